"""AutoAugment's operations as the SAM-ON authors apply them to one image: by Pillow, with grey outside."""

from __future__ import annotations

from PIL import Image, ImageEnhance, ImageOps

from bench.data.augmentations.autoaugment_operations import Operation


def affine(
    image: Image.Image, matrix: tuple[float, ...], resample: Image.Resampling = Image.Resampling.NEAREST
) -> Image.Image:
    return image.transform(image.size, Image.Transform.AFFINE, matrix, resample, fillcolor=(128, 128, 128))


def by_pillow(image: Image.Image, operation: Operation) -> Image.Image:
    """One operation as the SAM-ON authors apply it to one image: Pillow, with grey outside."""
    share, sign = (operation.level or 0) / 9, operation.sign
    offset = sign * share * 150 / 331
    match operation.name:
        case "ShearY":
            slope = sign * 0.3 * share
            return affine(image, (1, 0, 0, slope, 1, 0), Image.Resampling.BICUBIC)
        case "TranslateX":
            return affine(image, (1, 0, offset * image.size[0], 0, 1, 0))
        case "TranslateY":
            return affine(image, (1, 0, 0, 0, 1, offset * image.size[1]))
        case "Rotate":
            turned = image.convert("RGBA").rotate(sign * 30 * share)
            return Image.composite(turned, Image.new("RGBA", turned.size, (128,) * 4), turned).convert("RGB")
        case "Color" | "Contrast" | "Brightness" | "Sharpness":
            return getattr(ImageEnhance, operation.name)(image).enhance(1 + sign * 0.9 * share)
        case "Posterize":
            return ImageOps.posterize(image, round(8 - 4 * share))
        case "Solarize":
            return image.point([x if x < 256 * (1 - share) else 255 - x for x in range(256)] * 3)
        case "AutoContrast":
            return ImageOps.autocontrast(image)
        case "Equalize":
            return ImageOps.equalize(image)
        case "Invert":
            return ImageOps.invert(image)
    raise AssertionError(f"{operation} is not in the policy")
