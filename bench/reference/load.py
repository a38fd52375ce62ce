import os

import torch
from transformers import AutoConfig, AutoModelForCausalLM

DROPOUTS = ["resid_pdrop", "embd_pdrop", "attn_pdrop", "attention_dropout"]


def load(path):
    """A model in float32 without dropout, from a folder or from a GGUF file."""
    if path.endswith(".gguf"):
        folder, file = os.path.split(path)
        return AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32)
    config = AutoConfig.from_pretrained(path)
    for name in DROPOUTS:
        if hasattr(config, name):
            setattr(config, name, 0.0)
    return AutoModelForCausalLM.from_pretrained(path, config=config, dtype=torch.float32)


def prepare_loading(task):
    """A turn reads the model from disk and predicts a short text with it."""
    probe = torch.tensor([task["probe"]])

    def run(count):
        losses = []
        for _ in range(count):
            model = load(task["model"])
            with torch.inference_mode():
                losses.append(model(probe, labels=probe, use_cache=False).loss.item())
        return losses

    return run
