"""One network of each family of torchvision and timm, by the module of the library that defines it: the smallest member, or one
with fewer and narrower blocks, at a small size. make_zoo.py notes what an exporter refuses to write.
"""
from collections.abc import Callable

import timm
from torch import nn
from torchvision import models as tv

Member = tuple[str, int, dict]
"""The library's name of the network, the size of its input, options of the constructor."""

NARROW = {"embed_dim": 192, "depth": 4, "num_heads": 3}

TORCHVISION: dict[str, Member] = {
    "alexnet": ("alexnet", 224, {}),
    "mnasnet": ("mnasnet0_5", 128, {}),
    "efficientnet_v2": ("efficientnet_v2_s", 96, {}),
    "wide_resnet": ("wide_resnet50_2", 64, {}),
    "resnext": ("resnext50_32x4d", 64, {}),
    "regnet_x": ("regnet_x_400mf", 96, {}),
    }
"""Those that architectures.py has not."""

TIMM: dict[str, Member] = {
    "beit": ("beit_base_patch16_224", 112, NARROW),
    "byoanet": ("lambda_resnet26t", 128, {}),
    "byoanet (halo)": ("halonet26t", 256, {}),
    "byoanet (bottleneck)": ("botnet26t_256", 256, {}),
    "byobnet": ("gernet_s", 128, {}),
    "cait": ("cait_xxs24_224", 112, {"depth": 4}),
    "coat": ("coat_tiny", 224, {}),
    "coat (lite)": ("coat_lite_tiny", 224, {}),
    "convit": ("convit_tiny", 224, {"depth": 6, "local_up_to_layer": 4}),
    "convmixer": ("convmixer_1024_20_ks9_p14", 112, {}),
    "convnext": ("convnext_atto", 96, {}),
    "cpubone": ("cpubone_nano", 128, {}),
    "crossvit": ("crossvit_9_240", 240, {}),
    "csatv2": ("csatv2", 512, {}),
    "cspnet": ("cs3darknet_s", 128, {}),
    "cspnext": ("cspnext_tiny", 128, {}),
    "davit": ("davit_tiny", 224, {"depths": (1, 1, 2, 1), "embed_dims": (48, 96, 192, 384)}),
    "deepseek_vit": ("deepseek_vit_412m", 224, NARROW | {"num_classes": 100}),
    "deit": ("deit3_small_patch16_224", 112, NARROW),
    "densenet": ("densenet121", 96, {"growth_rate": 12, "block_config": (2, 2, 2, 2)}),
    "dla": ("dla46_c", 128, {}),
    "dpn": ("dpn48b", 96, {}),
    "edgenext": ("edgenext_xx_small", 128, {}),
    "efficientformer": ("efficientformer_l1", 224, {}),
    "efficientformer_v2": ("efficientformerv2_s0", 224, {}),
    "efficientnet": ("tinynet_e", 106, {}),
    "efficientvim": ("efficientvim_m1", 224, {}),
    "efficientvit_mit": ("efficientvit_l1", 128, {}),
    "efficientvit_msra": ("efficientvit_m0", 224, {}),
    "eva": ("eva02_tiny_patch14_224", 112, {"depth": 4, "num_classes": 100}),
    "fasternet": ("fasternet_t0", 128, {}),
    "fastvit": ("fastvit_sa12", 128, {"layers": (1, 1, 2, 1)}),
    "focalnet": ("focalnet_tiny_srf", 224, {}),
    "gcvit": ("gcvit_xxtiny", 224, {}),
    "gemma4_vit": ("gemma4_vit_167m", 224, NARROW | {"num_classes": 100}),
    "ghostnet": ("ghostnetv2_100", 128, {}),
    "hardcorenas": ("hardcorenas_a", 128, {}),
    "hgnet": ("hgnetv2_b0", 128, {}),
    "hiera": ("hiera_tiny_224", 224, {}),
    "hieradet_sam2": ("hieradet_small", 256, {"embed_dim": 48, "stages": (1, 1, 3, 1)}),
    "hrnet": ("hrnet_w18_small", 128, {}),
    "iformer": ("iformer_t", 224, {}),
    "inception_next": ("inception_next_atto", 128, {}),
    "inception_resnet_v2": ("inception_resnet_v2", 139, {}),
    "inception_v3": ("inception_v3", 139, {}),
    "inception_v4": ("inception_v4", 139, {}),
    "lcnetv2": ("lcnetv2_small", 128, {}),
    "levit": ("levit_conv_128s", 224, {}),
    "lowformer": ("lowformer_b0", 128, {}),
    "mambaout": ("test_mambaout", 160, {}),
    "maxxvit (MaxViT)": ("maxvit_pico_rw_256", 256, {}),
    "maxxvit (MaxViT, tf)": ("maxvit_tiny_tf_224", 224, {"depths": (1, 1, 2, 1), "embed_dim": (32, 64, 128, 256)}),
    "maxxvit (MaxxViT)": ("maxxvit_rmlp_nano_rw_256", 256, {}),
    "metaformer": ("caformer_s18", 128, {}),
    "mlp_mixer": ("resmlp_12_224", 224, {}),
    "mlp_mixer (gMixer)": ("gmixer_12_224", 224, {}),
    "mobilenetv3": ("lcnet_050", 128, {}),
    "mobilenetv3 (FBNet)": ("fbnetv3_b", 128, {}),
    "mobilenetv5": ("mobilenetv5_base", 128, {"num_classes": 100}),
    "mobilevit": ("mobilevitv2_050", 128, {}),
    "mvitv2": ("mvitv2_tiny", 224, {}),
    "naflexvit": ("naflexvit_base_patch16_gap", 112, NARROW),
    "nasnet": ("nasnetalarge", 96, {"num_features": 1056, "stem_size": 32}),
    "nest": ("nest_tiny_jx", 224, {}),
    "nextvit": ("nextvit_small", 128, {}),
    "nfnet": ("nf_resnet26", 128, {}),
    "pit": ("pit_ti_224", 224, {}),
    "pnasnet": ("pnasnet5large", 96, {}),
    "pvt_v2": ("pvt_v2_b2_li", 224, {}),
    "qwen3_vit": ("qwen3_vit_88m", 224, NARROW | {"num_classes": 100}),
    "rdnet": ("rdnet_tiny", 96, {}),
    "regnet": ("regnetz_005", 96, {}),
    "repghost": ("repghostnet_050", 128, {}),
    "repvit": ("repvit_m0_9", 128, {}),
    "res2net": ("res2next50", 96, {}),
    "resnest": ("resnest14d", 96, {}),
    "resnet": ("resnet10t", 96, {}),
    "resnetv2": ("resnetv2_18", 96, {}),
    "rexnet": ("rexnetr_100", 96, {}),
    "selecsls": ("selecsls42b", 128, {}),
    "senet": ("legacy_seresnet50", 64, {}),
    "sequencer": ("sequencer2d_s", 56, {"layers": (1, 1, 2, 1)}),
    "shvit": ("shvit_s1", 224, {}),
    "sknet": ("skresnet18", 96, {}),
    "starnet": ("starnet_s050", 128, {}),
    "swiftformer": ("swiftformer_xs", 224, {}),
    "swin_transformer": ("swin_s3_tiny_224", 224, {"embed_dim": 48, "depths": (1, 2, 2, 2)}),
    "swin_transformer_v2": ("swinv2_tiny_window8_256", 256, {"embed_dim": 48, "depths": (1, 2, 2, 2)}),
    "swin_transformer_v2_cr": ("swinv2_cr_tiny_224", 224, {"embed_dim": 48, "depths": (1, 2, 2, 2)}),
    "tiny_vit": ("tiny_vit_5m_224", 224, {"num_classes": 100}),
    "tnt": ("tnt_s_patch16_224", 224, {"depth": 4}),
    "tresnet": ("tresnet_m", 128, {}),
    "twins": ("twins_pcpvt_small", 224, {"depths": (1, 1, 2, 1)}),
    "vgg": ("vgg11_bn", 224, {}),
    "visformer": ("visformer_tiny", 224, {}),
    "vision_transformer": ("vit_tiny_patch16_224", 224, {"depth": 4}),
    "vision_transformer (SigLIP)": ("vit_base_patch16_siglip_224", 224, NARROW | {"num_classes": 100}),
    "vision_transformer (AIMv2)": ("aimv2_large_patch14_224", 224, NARROW | {"num_classes": 100}),
    "vision_transformer (parallel)": ("vit_small_patch16_18x2_224", 112, {"embed_dim": 192, "depth": 3, "num_heads": 3}),
    "vision_transformer_hybrid": ("vit_small_r26_s32_224", 224, NARROW),
    "vision_transformer_relpos": ("vit_relpos_small_patch16_224", 224, NARROW),
    "vision_transformer_sam": ("samvit_base_patch16_224", 224, NARROW | {"global_attn_indexes": (1, 3)}),
    "vitamin": ("vitamin_small_224", 224, {"num_classes": 100}),
    "volo": ("volo_d1_224", 224, {}),
    "vovnet": ("ese_vovnet19b_slim_dw", 128, {}),
    "xception": ("legacy_xception", 96, {}),
    "xception_aligned": ("xception41p", 96, {}),
    "xcit": ("xcit_nano_12_p16_224", 224, {"depth": 4}),
}

CONVOLUTIONAL = {
    "byobnet", "convmixer", "convnext", "cspnet", "cspnext", "densenet", "dla", "dpn", "efficientnet", "fasternet", "ghostnet",
    "hardcorenas", "hgnet", "inception_next", "inception_resnet_v2", "inception_v3", "inception_v4", "lcnetv2", "mobilenetv3",
    "mobilenetv3 (FBNet)", "mobilenetv5", "nasnet", "nfnet", "pnasnet", "rdnet", "regnet", "repghost", "repvit", "res2net", "resnest",
    "resnet", "resnetv2", "rexnet", "selecsls", "senet", "sknet", "starnet", "tresnet", "vgg", "vovnet", "xception", "xception_aligned",
} | set(TORCHVISION)
"""Written by one exporter only: both give them the same form."""


def torchvision_builder(name: str, options: dict) -> Callable[[], nn.Module]:
    return lambda: getattr(tv, name)(weights=None, **options)


def timm_builder(name: str, size: int, options: dict) -> Callable[[], nn.Module]:
    """Networks whose weights depend on the size of the picture are told it; others have no such option."""
    def build() -> nn.Module:
        try:
            return timm.create_model(name, pretrained=False, exportable=True, img_size=size, **options)
        except TypeError:
            return timm.create_model(name, pretrained=False, exportable=True, **options)
    return build
