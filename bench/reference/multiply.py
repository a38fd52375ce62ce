import torch


def prepare_product(task):
    """A turn is some products; its outcome is a corner of the last one."""
    x = whole_numbers(task["rows"], task["inner"])
    w = whole_numbers(task["columns"], task["inner"])

    def run(count):
        with torch.inference_mode():
            for _ in range(count):
                product = x @ w.T
        return product[:4, :4].flatten().tolist()

    return run


def whole_numbers(rows, columns):
    """-3 to 3 over and over, row by row."""
    return (torch.arange(rows * columns).reshape(rows, columns) % 7 - 3).float()
