"""A random Hugging Face model with its own tokenizer: `python make_checkpoint.py FOLDER llama|gpt2 [byte-fallback]`.

Runs in the environment of the tool that reads the checkpoint (transformers and tokenizers of any version). Tokens that
are no whole characters get the score 0, which no random model finds best: this program never writes them, and other
programs do.
"""

import json
import random
import sys

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

END, BEGIN = "<|endoftext|>", "<|begin|>"
ENGLISH = ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "two", "dogs", "run", "far", "away", "from", "home"]
CHINESE = "从前有一个小孩子他很高兴。，"


def texts() -> list[str]:
    dice = random.Random(1)
    return [" ".join(dice.choices(ENGLISH, k=8)) for _ in range(200)] + [
        "".join(dice.choices(CHINESE, k=12)) for _ in range(200)
    ]


def byte_level() -> Tokenizer:
    """As GPT-2 and Llama 3 have it: every byte is written as a character."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=[END, BEGIN], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts(), trainer)
    return tokenizer


def byte_fallback() -> Tokenizer:
    """As Llama 2 and Gemma have it: pieces with a mark for spaces, and one piece for each byte."""
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.normalizer = normalizers.Replace(" ", "▁")
    trainer = trainers.BpeTrainer(vocab_size=120, show_progress=False)
    trained.train_from_iterator(texts(), trainer)
    pieces = ["<unk>", BEGIN, END, *(f"<0x{byte:02X}>" for byte in range(256)), "▁"]
    pieces += [piece for piece in sorted(trained.get_vocab()) if piece not in pieces]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    merges = [tuple(pair) for pair in json.loads(trained.to_str())["model"]["merges"]]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens(["<unk>", BEGIN, END])
    return tokenizer


def is_whole(piece: str, spelt_bytes: dict[str, int]) -> bool:
    """Whether a token's bytes are characters; a control token counts as none."""
    if piece in ("<unk>", BEGIN, END) or (piece.startswith("<0x") and piece.endswith(">")):
        return False
    if not spelt_bytes:
        return True
    try:
        bytes(spelt_bytes[letter] for letter in piece).decode()
    except UnicodeDecodeError:
        return False
    return True


def byte_of_letter() -> dict[str, int]:
    """GPT-2's table: printable Latin-1 stands for itself, the other bytes for U+0100 onwards."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(byte): byte for byte in plain}
    return table | {chr(0x100 + n): byte for n, byte in enumerate(b for b in range(256) if chr(b) not in table)}


def main(folder: str, family: str, fallback: bool) -> None:
    tokenizer = byte_fallback() if fallback else byte_level()
    begin, end = (tokenizer.token_to_id(name) for name in (BEGIN, END))
    if family == "llama":
        tokenizer.post_processor = processors.TemplateProcessing(f"{BEGIN} $A", special_tokens=[(BEGIN, begin)])
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, bos_token=BEGIN)
    size = tokenizer.get_vocab_size()
    torch.manual_seed(1)
    same = {"vocab_size": size, "bos_token_id": begin, "eos_token_id": end, "initializer_range": 0.4}
    if family == "llama":
        model = LlamaForCausalLM(
            LlamaConfig(
                hidden_size=32,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=2,
                num_key_value_heads=1,
                max_position_embeddings=256,
                **same,
            )
        )
    else:
        model = GPT2LMHeadModel(GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=256, **same))
    table = {} if fallback else byte_of_letter()
    broken = [token for piece, token in tokenizer.get_vocab().items() if not is_whole(piece, table)]
    with torch.no_grad():
        model.get_output_embeddings().weight[broken] = 0
    model.save_pretrained(folder)
    wrapped.save_pretrained(folder)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], "byte-fallback" in sys.argv[3:])
