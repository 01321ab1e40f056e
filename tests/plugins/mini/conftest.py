"""The miniature backbone with its weights, loaded once."""

from __future__ import annotations

import pytest
import torch

from avprompt_mini.backbone import MiniBackbone

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def backbone() -> MiniBackbone:
    loaded = MiniBackbone()
    loaded.load_weights()
    loaded.freeze()
    return loaded
