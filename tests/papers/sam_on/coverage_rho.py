"""The ρ of the paper's Tables 7 and 8, and those of no_norm, written down apart from the package's."""

from __future__ import annotations

# ρ that were searched on CIFAR: ResNets on CIFAR-10 | on CIFAR-100 | ViTs; the chosen one with a *.
TABLE_7 = """
sam all                       | .05 *.1 .25            | .05 *.1 .5 1           | .025 .05 *.1 .25 .5
sam only_norm                 | .1 *.5 1               | .1 .5 *1 5             | 1 2.5 5 *10 25
elementwise_l2 all            | .5 1 *2 3 5            | .5 1 *2.5 5 10         | .5 1 *2.5 5 10
elementwise_l2 only_norm      | .5 1 2 *3 5            | .5 1 *2.5 5 10         | 1 2.5 5 *10 25
elementwise_l2_orig all       | .1 *.5 1 5 10          | .5 *1 2.5 5            | .5 1 *2.5 5 10
elementwise_l2_orig only_norm | .1 *.5 1 5 10          | .5 *1 2.5 5            | 1 2.5 5 *10 25
elementwise_linf all          | .001 *.005 .01 .05     | .001 .005 *.01 .05     | .0005 .001 *.0025 .005 .01
elementwise_linf only_norm    | .01 *.025 .05 .1       | .01 *.05 .1 .5         | .025 .05 *.1 .25 .5
layerwise_l2 all              | .005 .01 *.025 .05 .1  | .001 *.01 .05 .1       | .001 .0025 *.005 .01 .025
layerwise_l2 only_norm        | .05 .1 *.25 .5 1       | .1 *.2 .5 1            | .05 .1 .25 *.5 1
fisher all                    | .05 *.1 .5 1 5         | .05 *.1 .5 1           | .05 *.1 .5 1 5
fisher only_norm              | .1 *.5 1 5 10          | .1 .5 *1 5 10          | .1 .5 1 5 *10
"""
# ρ on ImageNet: the reported one with a *, those that were discarded beside it.
TABLE_8 = {
    "resnet50": """
sam all | *.05
elementwise_l2 all | *1
elementwise_l2 only_norm | *1
elementwise_linf all | *.001 .01
elementwise_linf only_norm | *.005 .05
layerwise_l2 all | *.005 .05
layerwise_l2 only_norm | *.05 .5
""",
    "vit_s32": """
sam all | .05 *.1 .25 .5 1
sam only_norm | 1 2.5 5 *10 25
""",
    "vit_s16": """
sam all | *.01 .1 .001
sam only_norm | *.1 .01 1
elementwise_l2 all | *.1 .01 1
elementwise_l2 only_norm | *1 .1 10
elementwise_linf all | *1e-4 1e-3 1e-5
elementwise_linf only_norm | *1e-2 1e-3 1e-1
layerwise_l2 all | *1e-3 1e-2 1e-4
layerwise_l2 only_norm | *1e-3 1e-2 1e-1
""",
}
# ρ of no_norm, of which the paper says nothing: those of all and two above.
NO_NORM = {
    "cifar100": """
sam | .05 .1 .5 1 5 10
elementwise_l2 | .5 1 2.5 5 10 25 50
elementwise_l2_orig | .5 1 2.5 5 10 25
elementwise_linf | .001 .005 .01 .05 .1 .5
layerwise_l2 | .001 .01 .05 .1 .5 1
fisher | .05 .1 .5 1 5 10
""",
    "vit": """
sam | .025 .05 .1 .25 .5 1 2.5
elementwise_l2 | .5 1 2.5 5 10 25 50
elementwise_l2_orig | .5 1 2.5 5 10 25 50
elementwise_linf | .0005 .001 .0025 .005 .01 .025 .05
layerwise_l2 | .001 .0025 .005 .01 .025 .05 .1
fisher | .05 .1 .5 1 5 10 50
""",
}
