"""Writes training.json: losses, optimizer and schedules as PyTorch and transformers compute them.

Ran with torch==2.9.1, transformers==5.23.0.
"""

import json
from pathlib import Path

import torch
from transformers import get_scheduler
from transformers.trainer_pt_utils import LabelSmoother

torch.manual_seed(7)


def numbers(tensor):
    return tensor.detach().double().tolist()


def loss_case(name, batch, time, vocab, scale, epsilon):
    logits = (torch.randn(batch, time, vocab) * scale).requires_grad_()
    ids = torch.randint(vocab, (batch, time))
    mask = torch.rand(batch, time) < 0.6
    mask[0, -1] = True
    labels = torch.where(mask, ids, torch.full_like(ids, -100))
    if epsilon > 0:
        loss = LabelSmoother(epsilon)({"logits": logits}, labels, shift_labels=True)
    else:
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, vocab), labels[:, 1:].reshape(-1))
    (gradient,) = torch.autograd.grad(loss, logits)
    log_probs = torch.log_softmax(logits, -1)
    return {
        "name": name,
        "labelSmoothing": epsilon,
        "logits": numbers(logits),
        "tokenIds": ids.tolist(),
        "mask": mask.int().tolist(),
        "loss": loss.item(),
        "gradient": numbers(gradient),
        "tokenLogProbs": numbers(log_probs[:, :-1].gather(-1, ids[:, 1:, None])[..., 0]),
        "entropy": numbers(torch.distributions.Categorical(logits=logits).entropy()),
    }


def adamw_case(name, betas, eps, weight_decay, max_norm, steps=6):
    weight = torch.nn.Parameter(torch.randn(3, 4))
    bias = torch.nn.Parameter(torch.randn(4))
    start = {"weight": numbers(weight), "bias": numbers(bias)}
    optimizer = torch.optim.AdamW(
        [{"params": [weight], "weight_decay": weight_decay}, {"params": [bias], "weight_decay": 0.0}],
        lr=0.1,
        betas=betas,
        eps=eps,
    )
    trajectory = []
    for step in range(steps):
        rate = 0.1 / (step + 1)
        for group in optimizer.param_groups:
            group["lr"] = rate
        weight.grad = torch.randn(3, 4) * 3
        bias.grad = torch.randn(4)
        gradients = {"weight": numbers(weight.grad), "bias": numbers(bias.grad)}
        norm = torch.nn.utils.clip_grad_norm_([weight, bias], max_norm if max_norm > 0 else float("inf"))
        optimizer.step()
        trajectory.append(
            {
                "learningRate": rate,
                "gradients": gradients,
                "norm": norm.item(),
                "parameters": {"weight": numbers(weight), "bias": numbers(bias)},
            }
        )
    return {
        "name": name,
        "options": {"betas": betas, "epsilon": eps, "weightDecay": weight_decay, "maxGradNorm": max_norm},
        "start": start,
        "trajectory": trajectory,
        "state": {
            "exp_avg.weight": numbers(optimizer.state[weight]["exp_avg"]),
            "exp_avg_sq.weight": numbers(optimizer.state[weight]["exp_avg_sq"]),
            "exp_avg.bias": numbers(optimizer.state[bias]["exp_avg"]),
            "exp_avg_sq.bias": numbers(optimizer.state[bias]["exp_avg_sq"]),
        },
    }


def schedule_case(name, kind, rate, warmup, total):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    scheduler = get_scheduler(kind, optimizer, num_warmup_steps=warmup, num_training_steps=total)
    rates = []
    for _ in range(total + 1):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return {"name": name, "kind": kind, "rate": rate, "warmup": warmup, "total": total, "rates": rates}


golden = {
    "losses": [
        loss_case("plain", 2, 5, 7, 1.0, 0.0),
        loss_case("confident logits", 1, 6, 11, 20.0, 0.0),
        loss_case("smoothed by 0.1", 2, 5, 7, 1.0, 0.1),
        loss_case("smoothed by 0.4, confident", 3, 4, 9, 8.0, 0.4),
    ],
    "adamw": [
        adamw_case("defaults of torch", [0.9, 0.999], 1e-8, 0.01, 0.0),
        adamw_case("clipped, strong decay, other betas", [0.8, 0.95], 1e-6, 0.3, 1.0),
    ],
    "schedules": [
        schedule_case("linear with warm-up", "linear", 3e-4, 4, 20),
        schedule_case("linear without warm-up", "linear", 1.0, 0, 7),
        schedule_case("cosine with warm-up", "cosine", 3e-4, 5, 25),
        schedule_case("cosine without warm-up", "cosine", 0.1, 0, 9),
        schedule_case("constant with warm-up", "constant_with_warmup", 2e-5, 3, 10),
    ],
}
Path(__file__).with_suffix(".json").write_text(json.dumps(golden) + "\n")
