"""The published checkpoint of ACL-SSL."""

from __future__ import annotations

from avprompt.plugin import WeightFile

ACL_SSL = WeightFile(
    purpose="ACL-SSL trained on VGGSound-144k: avprompt evaluate acl-ssl --checkpoint acl-ssl.pth",
    licence="none stated",
    source="https://github.com/swimmiing/ACL-SSL (Param_best.pth)",
    urls=("https://drive.google.com/uc?export=download&id=1XnVrBES3IKjAcV0uCkvbIdEEclcOYJoR",),
    note="Its authors state no licence: ask them before you pass it on.",
)
