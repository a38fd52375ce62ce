import torch
from peft import PeftModel

from load import load


def prepare_training(task):
    """A turn is some optimizer steps on the task's batch, as transformers' own trainer makes them."""
    model = load(task["model"])
    if "adapter" in task:
        model = PeftModel.from_pretrained(model, task["adapter"], is_trainable=True)
    model.train()
    token_ids = torch.tensor([example["tokenIds"] for example in task["examples"]])
    mask = torch.tensor([example["mask"] for example in task["examples"]])
    labels = token_ids.masked_fill(mask == 0, -100)
    # No decay on norms and biases; the fused update is what transformers' Trainer takes by default.
    trained = [p for p in model.parameters() if p.requires_grad]
    decaying = [p for p in trained if p.dim() >= 2]
    others = [p for p in trained if p.dim() < 2]
    groups = [{"params": decaying, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=task["learningRate"], fused=True)

    def step():
        loss = model(token_ids, labels=labels, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return lambda count: [step() for _ in range(count)]
