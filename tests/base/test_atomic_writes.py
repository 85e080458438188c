"""What stages write appears complete or not at all: every writer writes to a temporary file."""

import ast

WRITERS = {
    "copyfile",
    "image_write",
    "imwrite",
    "save",
    "savefig",
    "to_csv",
    "to_filename",
    "to_json",
    "write_bytes",
    "write_text",
    "write_transform",
}
PLACES = ("preprocessing", "training", "methods", "metrics", "statistics", "report")
# safetensors' `save` and Pillow's, into memory, return bytes.
INTO_MEMORY = {"save(dict(tensors), dict(metadata) if metadata else None)"}

# Runs in nnU-Net's environment, without this package, and writes to the scratch folder of a training,
# of which nothing is taken before it has ended.
APART = "_nnunet_program.py"


def writes(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            written = name.rpartition(".")[2] in WRITERS and node.args
            if written and not name.startswith("files."):
                yield ast.unparse(node), node.lineno


def test_stages_write_to_temporary_files_only(root):
    wrong = []
    seen = 0
    for place in PLACES:
        for path in (root / "mribench" / place).rglob("*.py"):
            for call, line in writes(path) if path.name != APART else ():
                seen += 1
                fine = "temporary" in call or "buffer" in call or call in INTO_MEMORY
                if not fine and not call.startswith("write_text("):
                    wrong.append(f"{path}:{line}: {call}")
    assert seen > 15
    assert not wrong
