"""Lets Python PEFT and transformers do what peft-round-trip.test.ts asks for, in one process: importing takes longest.

Runs with bench/requirements.txt. Usage: python tests/lora/peft_round_trip.py <jobs.json>
Each job names its base model, its token ids and the file that its logits go to, and one of

  make    adapts the base as `config` says, moves all that trains away from its start, and saves the adapter
  apply   loads the adapter that is there
  plain   runs the base as it is
"""

import json
import sys
import warnings
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

generator = torch.Generator().manual_seed(11)


def make(base, job):
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **job["config"]))
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data += torch.randn(weight.shape, generator=generator) * 0.1
    model.save_pretrained(job["adapter"], save_embedding_layers=False)
    return model


def apply(base, job):
    model = PeftModel.from_pretrained(base, job["adapter"])
    # PEFT says nothing of a tensor that has no place in its model.
    wanted = set(get_peft_model_state_dict(model, save_embedding_layers=False))
    with safe_open(Path(job["adapter"]) / "adapter_model.safetensors", "pt") as file:
        found = set(file.keys())
    assert found == wanted, f"{job['adapter']}: {sorted(found ^ wanted)} are only in one of file and model"
    return model


warnings.filterwarnings("error", "Found missing adapter keys")
for job in json.loads(Path(sys.argv[1]).read_text()):
    base = AutoModelForCausalLM.from_pretrained(job["base"], dtype=torch.float32)
    model = {"make": make, "apply": apply, "plain": lambda base, _: base}[job["do"]](base, job).eval()
    with torch.no_grad():
        save_file({"logits": model(torch.tensor(job["tokenIds"])).logits}, job["logits"])
