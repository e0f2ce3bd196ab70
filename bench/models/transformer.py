"""Transformer for translation: encoder and decoder with norms after the residuals (Vaswani et al. 2017).

As fairseq's `transformer_iwslt_de_en`: sinusoidal positions, embeddings times √width, the decoder's shared with the
output, ReLU, dropout on embeddings and on what each sub-layer adds. Names of norm layers are fairseq's too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

PAD = 1
"""Number of the padding in every vocabulary; `bench.data.text.corpus` has the same."""
Heads = tuple[Tensor, Tensor]
"""Keys and values (n, heads, length, width of a head)."""


class Attention(nn.Module):
    """Scaled dot-product attention of several heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, queries: Tensor, memory: Heads, *, mask: Tensor | None = None, causal: bool = False) -> Tensor:
        """What (n, length, width) queries find in the memory; `mask` is true where they may look."""
        found = scaled_dot_product_attention(
            self._split(self.q_proj(queries)), *memory, attn_mask=mask, is_causal=causal
        )
        out: Tensor = self.out_proj(found.transpose(1, 2).flatten(2))
        return out

    def memory(self, states: Tensor) -> Heads:
        """Keys and values of (n, length, width) states."""
        return self._split(self.k_proj(states)), self._split(self.v_proj(states))

    def _split(self, states: Tensor) -> Tensor:
        return states.unflatten(2, (self._heads, -1)).transpose(1, 2)


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward part, each added and normalized."""

    def __init__(self, width: int, hidden: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.self_attn, self.self_attn_layer_norm = Attention(width, heads), nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.final_layer_norm, self.dropout = nn.LayerNorm(width), nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(n, length, width) → the same."""
        attended = self.self_attn(x, self.self_attn.memory(x), mask=mask)
        return self._fed(self.self_attn_layer_norm(x + self.dropout(attended)))

    def _fed(self, x: Tensor) -> Tensor:
        out: Tensor = self.final_layer_norm(x + self.dropout(self.fc2(self.fc1(x).relu())))
        return out


class DecoderLayer(EncoderLayer):
    """An encoder's layer that looks at the source between its two parts."""

    def __init__(self, width: int, hidden: int, heads: int, dropout: float) -> None:
        super().__init__(width, hidden, heads, dropout)
        self.encoder_attn, self.encoder_attn_layer_norm = Attention(width, heads), nn.LayerNorm(width)

    def forward(  # type: ignore[override]
        self, x: Tensor, own: Heads, source: Heads, mask: Tensor, *, causal: bool
    ) -> Tensor:
        """(n, length, width) → the same; `own` is the memory of what was written, `source` that of the source."""
        x = self.self_attn_layer_norm(x + self.dropout(self.self_attn(x, own, causal=causal)))
        x = self.encoder_attn_layer_norm(x + self.dropout(self.encoder_attn(x, source, mask=mask)))
        return self._fed(x)


@dataclass
class Written:
    """What a decoder has of sentences that are being written, a token at a time."""

    mask: Tensor
    source: list[Heads]
    own: list[Heads] = field(default_factory=list)
    length: int = 0

    def keep(self, rows: Tensor) -> None:
        """Go on with the sentences at `rows`, of which some may be there several times."""
        self.mask = self.mask[rows]
        self.source = [(keys[rows], values[rows]) for keys, values in self.source]
        self.own = [(keys[rows], values[rows]) for keys, values in self.own]


class Transformer(nn.Module):
    """Encoder and decoder."""

    def __init__(
        self, source_size: int, target_size: int, *, width: int, hidden: int, heads: int, depth: int, dropout: float
    ) -> None:
        super().__init__()
        self._scale = math.sqrt(width)
        self.encoder_embed = nn.Embedding(source_size, width, padding_idx=PAD)
        self.decoder_embed = nn.Embedding(target_size, width, padding_idx=PAD)
        self.encoder = nn.ModuleList(EncoderLayer(width, hidden, heads, dropout) for _ in range(depth))
        self.decoder = nn.ModuleList(DecoderLayer(width, hidden, heads, dropout) for _ in range(depth))
        self.dropout = nn.Dropout(dropout)
        self._initialise(width)

    def forward(self, source: Tensor, previous: Tensor) -> Tensor:
        """(n, s) source and (n, t) target tokens, each after the one before it → (n, t, vocabulary) logits."""
        states, mask = self.encode(source)
        x = self._embedded(self.decoder_embed, previous)
        for layer in self._layers:
            own, read = layer.self_attn.memory(x), layer.encoder_attn.memory(states)
            x = layer(x, own, read, mask, causal=True)
        return linear(x, self.decoder_embed.weight)

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """(n, s, width) states, and the mask (n, 1, 1, s) of what isn't padding."""
        mask = (source != PAD)[:, None, None, :]
        x = self._embedded(self.encoder_embed, source)
        for layer in self.encoder:
            x = layer(x, mask)
        return x, mask

    def begin(self, source: Tensor) -> Written:
        """Before the first token of the translations."""
        states, mask = self.encode(source)
        return Written(mask, [layer.encoder_attn.memory(states) for layer in self._layers])

    def write(self, written: Written, token: Tensor) -> Tensor:
        """(n, vocabulary) logits of the token after `token` (n,), which is remembered."""
        x = self._embedded(self.decoder_embed, token.unsqueeze(1), written.length)
        own = []
        for place, layer in enumerate(self._layers):
            keys, values = layer.self_attn.memory(x)
            if written.length:
                before = written.own[place]
                keys, values = torch.cat([before[0], keys], dim=2), torch.cat([before[1], values], dim=2)
            new = (keys, values)
            own.append(new)
            x = layer(x, new, written.source[place], written.mask, causal=False)
        written.own, written.length = own, written.length + 1
        return linear(x[:, 0], self.decoder_embed.weight)

    @property
    def _layers(self) -> list[DecoderLayer]:
        return cast("list[DecoderLayer]", list(self.decoder))

    def _embedded(self, embed: nn.Embedding, tokens: Tensor, first: int = 0) -> Tensor:
        x = embed(tokens)
        out: Tensor = self.dropout(x * self._scale + _positions(first, x))
        return out

    def _initialise(self, width: int) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=width**-0.5)
                nn.init.zeros_(module.weight[PAD])
        for module in self.modules():
            if isinstance(module, Attention):
                for projection in (module.q_proj, module.k_proj, module.v_proj):
                    nn.init.xavier_uniform_(projection.weight, gain=1 / math.sqrt(2))


def _positions(first: int, like: Tensor) -> Tensor:
    """(length, width) sines and cosines of places from `first` on."""
    length, width = like.shape[1:]
    half = width // 2
    rates = torch.exp(torch.arange(half, device=like.device) * (-math.log(10_000) / (half - 1)))
    angles = torch.arange(first, first + length, device=like.device).unsqueeze(1) * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1).to(like.dtype)


iwslt = partial(Transformer, width=512, hidden=1024, heads=4, depth=6)
tiny = partial(Transformer, width=64, hidden=128, heads=2, depth=2)
