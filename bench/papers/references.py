"""REFERENCES: what to cite for a method, keyed by how its `source` begins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """One publication."""

    title: str
    authors: tuple[str, ...]
    """`Family, Given`, in order; the last may be `others`."""
    year: int
    venue: str
    """Proceedings or journal; empty for one that is on arXiv alone."""
    arxiv: str = ""

    @property
    def key(self) -> str:
        """As BibTeX cites it: family, year and first long word of the title."""
        family = re.sub(r"\W", "", self.authors[0].partition(",")[0].translate(_PLAIN)).lower()
        words = (word.lower() for word in re.findall(r"[A-Za-z]+", self.title))
        return f"{family}{self.year}{next(word for word in words if len(word) > 3)}"

    @property
    def kind(self) -> str:
        """Of BibTeX's entries."""
        return "misc" if not self.venue else "article" if "Journal" in self.venue else "inproceedings"


_PLAIN = str.maketrans({"ü": "u", "ö": "o", "é": "e"})
_ICLR = "International Conference on Learning Representations"
_ICML = "International Conference on Machine Learning"
_NEURIPS = "Advances in Neural Information Processing Systems"
_CVPR = "IEEE/CVF Conference on Computer Vision and Pattern Recognition"
_KDD = "ACM SIGKDD Conference on Knowledge Discovery and Data Mining"

SAM_ON, SAM = "Müller et al. 2023", "Foret et al. 2021"
"""Cited with every bundle, as sambench itself asks for."""

REFERENCES: dict[str, Reference] = {
    SAM_ON: Reference(
        "Normalization Layers Are All That Sharpness-Aware Minimization Needs",
        ("Müller, Maximilian", "Vlaar, Tiffany", "Rolnick, David", "Hein, Matthias"),
        2023,
        f"{_NEURIPS} 36",
        "2306.04226",
    ),
    SAM: Reference(
        "Sharpness-Aware Minimization for Efficiently Improving Generalization",
        ("Foret, Pierre", "Kleiner, Ariel", "Mobahi, Hossein", "Neyshabur, Behnam"),
        2021,
        _ICLR,
        "2010.01412",
    ),
    "Kwon et al. 2021": Reference(
        "ASAM: Adaptive Sharpness-Aware Minimization for Scale-Invariant Learning of Deep Neural Networks",
        ("Kwon, Jungmin", "Kim, Jeongseop", "Park, Hyunseo", "Choi, In Kwon"),
        2021,
        _ICML,
        "2102.11600",
    ),
    "Kim et al. 2022": Reference(
        "Fisher SAM: Information Geometry and Sharpness Aware Minimisation",
        ("Kim, Minyoung", "Li, Da", "Hu, Shell Xu", "Hospedales, Timothy M."),
        2022,
        _ICML,
        "2206.04920",
    ),
    "Du et al. 2022": Reference(
        "Efficient Sharpness-aware Minimization for Improved Training of Neural Networks",
        ("Du, Jiawei", "Yan, Hanshu", "Feng, Jiashi", "others"),
        2022,
        _ICLR,
        "2110.03141",
    ),
    "Zhuang et al. 2022": Reference(
        "Surrogate Gap Minimization Improves Sharpness-Aware Training",
        ("Zhuang, Juntang", "Gong, Boqing", "Yuan, Liangzhe", "others"),
        2022,
        _ICLR,
        "2203.08065",
    ),
    "Liu et al. 2022": Reference(
        "Towards Efficient and Scalable Sharpness-Aware Minimization",
        ("Liu, Yong", "Mai, Siqi", "Chen, Xiangning", "Hsieh, Cho-Jui", "You, Yang"),
        2022,
        _CVPR,
        "2203.02714",
    ),
    "Becker et al. 2024": Reference(
        "Momentum-SAM: Sharpness Aware Minimization without Computational Overhead",
        ("Becker, Marlon", "Altrock, Frederick", "Risse, Benjamin"),
        2024,
        "",
        "2401.12033",
    ),
    "Jo et al. 2025": Reference(
        "Asynchronous Sharpness-Aware Minimization For Fast and Accurate Deep Learning",
        ("Jo, Junhyuk", "Lim, Jihyun", "Lee, Sunwoo"),
        2025,
        "",
        "2503.11147",
    ),
    "Jiang et al. 2023": Reference(
        "An Adaptive Policy to Employ Sharpness-Aware Minimization",
        ("Jiang, Weisen", "Yang, Hansi", "Zhang, Yu", "Kwok, James"),
        2023,
        _ICLR,
        "2304.14647",
    ),
    "Zhao et al. 2022": Reference(
        "Randomized Sharpness-Aware Training for Boosting Computational Efficiency in Deep Learning",
        ("Zhao, Yang", "Zhang, Hao", "Hu, Xiuyuan"),
        2022,
        "",
        "2203.09962",
    ),
    "Ni et al. 2022": Reference(
        "K-SAM: Sharpness-Aware Minimization at the Speed of SGD",
        ("Ni, Renkun", "Chiang, Ping-yeh", "Geiping, Jonas", "others"),
        2022,
        "",
        "2210.12864",
    ),
    "Li et al. 2024": Reference(
        "Friendly Sharpness-Aware Minimization",
        ("Li, Tao", "Zhou, Pan", "He, Zhengbao", "Cheng, Xinwen", "Huang, Xiaolin"),
        2024,
        _CVPR,
        "2403.12350",
    ),
    "Li and Giannakis 2023": Reference(
        "Enhancing Sharpness-Aware Optimization Through Variance Suppression",
        ("Li, Bingcong", "Giannakis, Georgios B."),
        2023,
        f"{_NEURIPS} 36",
        "2309.15639",
    ),
    "Hassan et al. 2025": Reference(
        "GCSAM: Gradient Centralized Sharpness Aware Minimization",
        ("Hassan, Mohamed", "others"),
        2025,
        "",
        "2501.11584",
    ),
    "Yun 2025": Reference(
        "Sharpness-Aware Minimization with Z-Score Gradient Filtering",
        ("Yun, Vincent-Daniel",),
        2025,
        "",
        "2505.02369",
    ),
    "Oikonomou and Loizou 2025": Reference(
        "Sharpness-Aware Minimization: General Analysis and Improved Rates",
        ("Oikonomou, Dimitris", "Loizou, Nicolas"),
        2025,
        _ICLR,
        "2503.02225",
    ),
    "Tan et al. 2025": Reference(
        "Stabilizing Sharpness-aware Minimization Through A Simple Renormalization Strategy",
        ("Tan, Chengli", "Zhang, Jiangshe", "Liu, Junmin", "others"),
        2025,
        "Journal of Machine Learning Research",
        "2401.07250",
    ),
    "Yue et al. 2023": Reference(
        "Sharpness-Aware Minimization Revisited: Weighted Sharpness as a Regularization Term",
        ("Yue, Yun", "Jiang, Jiadi", "Ye, Zhiling", "others"),
        2023,
        _KDD,
        "2305.15817",
    ),
    "Möllenhoff and Khan 2023": Reference(
        "SAM as an Optimal Relaxation of Bayes",
        ("Möllenhoff, Thomas", "Khan, Mohammad Emtiyaz"),
        2023,
        _ICLR,
        "2210.01620",
    ),
    "Mi et al. 2022": Reference(
        "Make Sharpness-Aware Minimization Stronger: A Sparsified Perturbation Approach",
        ("Mi, Peng", "Shen, Li", "Ren, Tianhe", "others"),
        2022,
        f"{_NEURIPS} 35",
        "2210.05177",
    ),
    "Loshchilov and Hutter 2019": Reference(
        "Decoupled Weight Decay Regularization", ("Loshchilov, Ilya", "Hutter, Frank"), 2019, _ICLR, "1711.05101"
    ),
    "Chen et al. 2023": Reference(
        "Symbolic Discovery of Optimization Algorithms",
        ("Chen, Xiangning", "Liang, Chen", "Huang, Da", "others"),
        2023,
        f"{_NEURIPS} 36",
        "2302.06675",
    ),
    "Jordan et al. 2024": Reference(
        "Muon: An optimizer for hidden layers in neural networks", ("Jordan, Keller", "others"), 2024, ""
    ),
    "Liu et al. 2025": Reference(
        "Muon is Scalable for LLM Training", ("Liu, Jingyuan", "others"), 2025, "", "2502.16982"
    ),
    "Defazio et al. 2024": Reference(
        "The Road Less Scheduled", ("Defazio, Aaron", "others"), 2024, f"{_NEURIPS} 37", "2405.15682"
    ),
}


def references(sources: Iterable[str]) -> list[Reference]:
    """What the sources of methods name, each once, after what is cited always."""
    said = [*dict.fromkeys(part.strip() for source in sources for part in source.split(";"))]
    names = [name for part in said for name in REFERENCES if part.startswith(name)]
    return [REFERENCES[name] for name in dict.fromkeys((SAM_ON, SAM, *names))]
