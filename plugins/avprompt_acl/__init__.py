"""ACL-SSL: fixed prompt, factor-graph projection, masks, alignment losses, SigLIP's too, and the method."""

from avprompt.plugin import Register, hookimpl


@hookimpl
def register_prompts(register: Register) -> None:
    register("fixed", "avprompt_acl.prompt:FixedPrompt")


@hookimpl
def register_projections(register: Register) -> None:
    register("factor-graph", "avprompt_acl.projection:FactorGraphProjection")


@hookimpl
def register_maskers(register: Register) -> None:
    register("gumbel-sigmoid", "avprompt_acl.masker:GumbelSigmoidMasker")


@hookimpl
def register_losses(register: Register) -> None:
    register("image-contrastive", "avprompt_acl.losses:ImageContrastive")
    register("feature-contrastive", "avprompt_acl.losses:FeatureContrastive")
    register("sigmoid", "avprompt_acl.sigmoid:SigmoidContrastive")
    register("area", "avprompt_acl.losses:Area")


@hookimpl
def register_methods(register: Register) -> None:
    register("acl-ssl", "avprompt_acl:acl-ssl.yaml")


@hookimpl
def register_checkpoint_formats(register: Register) -> None:
    register("acl-ssl", "avprompt_acl.checkpoint:AclCheckpoint")


@hookimpl
def register_weights(register: Register) -> None:
    register("acl-ssl.pth", "avprompt_acl.published:ACL_SSL")
