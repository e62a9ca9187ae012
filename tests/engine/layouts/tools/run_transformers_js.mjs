// Greedy tokens of transformers.js: `node run_transformers_js.mjs PACKAGES FOLDER DTYPE [GRAPH] < request`.
// PACKAGES holds node_modules. Request and answer as in run_optimum.py.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [packages, folder, dtype, graph] = process.argv.slice(2);
const entry = createRequire(join(resolve(packages), "package.json")).resolve("@huggingface/transformers");
const { AutoModelForCausalLM, AutoTokenizer, Tensor, env } = await import(pathToFileURL(entry).href);
env.allowRemoteModels = false;
env.localModelPath = dirname(resolve(folder));
const name = basename(resolve(folder));

const request = JSON.parse(readFileSync(0, "utf8"));
const settings = graph ? { dtype, model_file_name: graph } : { dtype };
const model = await AutoModelForCausalLM.from_pretrained(name, settings);
const tokens = [];
for (const ids of request.prompts) {
  const shape = [1, ids.length];
  const input_ids = new Tensor("int64", BigInt64Array.from(ids.map(BigInt)), shape);
  const attention_mask = new Tensor("int64", new BigInt64Array(ids.length).fill(1n), shape);
  const written = await model.generate({ input_ids, attention_mask, max_new_tokens: request.count, do_sample: false });
  tokens.push(written.tolist()[0].slice(ids.length).map(Number));
}
const tokenizer = await AutoTokenizer.from_pretrained(name);
console.log(JSON.stringify({ tokens, text_ids: tokenizer.encode(request.text) }));
