"""Greedy tokens of onnxruntime-genai: `python run_genai.py FOLDER < request`, in its environment.

Request and answer as in run_optimum.py, with the ids of transformers' tokenizer, where there is one: the one of
onnxruntime-genai decides about the first token by the tokenizer's class, not by tokenizer.json.
"""

import json
import sys
from pathlib import Path

import onnxruntime_genai as og
from transformers import AutoTokenizer

request = json.load(sys.stdin)
model = og.Model(sys.argv[1])
found = []
for ids in request["prompts"]:
    parameters = og.GeneratorParams(model)
    parameters.set_search_options(max_length=len(ids) + request["count"], do_sample=False)
    generator = og.Generator(model, parameters)
    generator.append_tokens([ids])
    while not generator.is_done():
        generator.generate_next_token()
    found.append([int(token) for token in generator.get_sequence(0)[len(ids) :]])
answer = {"tokens": found}
if (Path(sys.argv[1]) / "tokenizer_config.json").is_file():
    answer["text_ids"] = AutoTokenizer.from_pretrained(sys.argv[1])(request["text"])["input_ids"]
print(json.dumps(answer))
