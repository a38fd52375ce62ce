"""Jupyter's public conformance tests, run against our kernel.

    pip install jupyter_kernel_test==0.7.0
    python tests/kernel/conformance.py
"""

import json
import os
import tempfile
import unittest
from pathlib import Path

project = Path(__file__).resolve().parents[2]
specs = tempfile.mkdtemp()
folder = Path(specs, "kernels", "posttrain-under-test")
folder.mkdir(parents=True)
launcher = str(project / "dist-kernel/kernel/launch.js")
folder.joinpath("kernel.json").write_text(
    json.dumps(
        {
            "argv": ["node", launcher, "--connection-file", "{connection_file}"],
            "display_name": "TypeScript",
            "language": "typescript",
            "interrupt_mode": "message",
        }
    )
)
os.environ["JUPYTER_PATH"] = specs

import jupyter_kernel_test  # noqa: E402  (reads JUPYTER_PATH)


class PosttrainKernel(jupyter_kernel_test.KernelTests):
    kernel_name = "posttrain-under-test"
    language_name = "typescript"
    file_extension = ".ts"
    code_hello_world = 'console.log("hello, world")'
    code_stderr = 'console.error("a warning")'
    completion_samples = [
        {"text": "Math.trun", "matches": {"trunc"}},
        {"text": "[1].fla", "matches": {"flat", "flatMap"}},
    ]
    complete_code_samples = ["1", "const a = 1;", "function f() {\n  return 1;\n}", "// only a comment"]
    incomplete_code_samples = ["function f() {", "const a = [1,", "`one\n", "/* not closed", "f(("]
    invalid_code_samples = ["const = 1;", "let 1a = 2;", "}"]
    code_page_something = "Math.max?"
    code_generate_error = 'throw new Error("as asked")'
    code_execute_result = [
        {"code": "1 + 2", "result": "3"},
        {"code": "[1, 2].map((x) => x * 2)", "result": "[ 2, 4 ]"},
        {"code": "Promise.resolve('later')", "result": "'later'"},
    ]
    code_display_data = [
        {
            "code": 'display({ [Symbol.for("Jupyter.display")]: () => ({ "text/html": "<b>bold</b>" }) });',
            "mime": "text/html",
        }
    ]
    supported_history_operations = ("tail", "range", "search")
    code_history_pattern = "1 + *"
    code_inspect_sample = "Math.max"
    code_clear_output = "kernel.clearOutput()"


if __name__ == "__main__":
    unittest.main()
