"""Greedy tokens of optimum's own runtime: `python run_optimum.py FOLDER GRAPH < request`, in optimum's environment.

Request and answer are JSON: {"prompts": [[ids]], "count": n, "text": "…"} -> {"tokens": [[ids]], "text_ids": [ids]}.
"""

import json
import sys

import torch
from optimum.onnxruntime import ORTModelForCausalLM
from transformers import AutoTokenizer

request = json.load(sys.stdin)
model = ORTModelForCausalLM.from_pretrained(sys.argv[1], file_name=sys.argv[2], use_io_binding=False)
found = []
for ids in request["prompts"]:
    prompt = torch.tensor([ids])
    written = model.generate(
        input_ids=prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=request["count"], do_sample=False
    )
    found.append(written[0, len(ids) :].tolist())
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
print(json.dumps({"tokens": found, "text_ids": tokenizer(request["text"])["input_ids"]}))
