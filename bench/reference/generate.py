import torch

from load import load


def prepare_generation(task):
    """A turn is some greedy answers to all prompts at once, with transformers' key-value cache."""
    model = load(task["model"]).eval()
    model.generation_config.eos_token_id = None
    prompts = torch.tensor(task["prompts"])
    new_tokens = task["newTokens"]

    def answer():
        with torch.inference_mode():
            tokens = model.generate(
                prompts,
                attention_mask=torch.ones_like(prompts),
                max_new_tokens=new_tokens,
                do_sample=False,
                pad_token_id=0,
            )
        answers = tokens[:, prompts.shape[1] :]
        assert answers.shape[1] == new_tokens, f"{answers.shape[1]} tokens instead of {new_tokens}"
        return answers[:, : task["compared"]].flatten().tolist()

    return lambda count: [answer() for _ in range(count)][-1]
