"""llama.cpp's own server with a model of a few megabytes that always says the same.

llama_server.py FOLDER --api-key KEY [--prefix /FOLDER]

The model is made here: a llama of one block whose attention and feed-forward weights are zero, so
that what comes next depends on the last token alone. Bytes are tokens; the words of answers are
tokens that no prompt contains, chained one to the next:

- a chat (the template ends in a line break) is answered "Hello from llama.cpp, always the same.";
- a chat with tools (the template ends in a tab) calls the tool read_file;
- with --calls NAME it calls that tool, with the --arguments or with none, once for each of the user's messages;
- anything else, such as code to go on with, is answered " left + right";
- with --embeddings it gives vectors instead: the place of the last of its bytes.

Prints "ready ADDRESS" when it listens on loopback, and runs until it is killed.
"""

import argparse
import os
import pathlib
import signal

import gguf
import numpy
import xllamacpp

CHAT = ["Hello", " from", " llama", ".cpp,", " always", " the", " same."]
CODE = [" left", " +", " right"]
TOOL = ['<tool_call>\n{"name": "read_file", ', '"arguments": {"path": ', '"README.md"}}\n</tool_call>']

# 256 bytes, the specials and the words, rounded up to whole heads of 64
WIDTH = 320
HEAD = 64

# llama.cpp reads from it how a model writes calls of tools
TEMPLATE = """\
{%- if tools -%}
<|im_start|>system
Tools:
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}<|im_end|>
{% endif -%}
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{{ message.content or '' }}
{%- for call in message.tool_calls or [] %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{%- endfor %}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}<|im_start|>assistant{{ '\t' if tools else '\n' }}{%- endif -%}
"""


def bytes_as_letters():
    """Each byte as the letter by which GPT-2's vocabulary writes it."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in kept]
    letters = {byte: chr(byte) for byte in kept}
    letters.update({byte: chr(256 + at) for at, byte in enumerate(others)})
    return [letters[byte] for byte in range(256)]


def write_model(path, calls, arguments):
    letters = bytes_as_letters()
    spelled = lambda word: "".join(letters[byte] for byte in word.encode())
    # the vocabulary has to know a merge; this one changes nothing that is asked here
    space = letters[ord(" ")]
    tokens = letters + [space * 2]
    kinds = [gguf.TokenType.NORMAL] * len(tokens)
    specials = {name: len(tokens) + at for at, name in enumerate(["<|im_start|>", "<|im_end|>"])}
    tokens += specials
    kinds += [gguf.TokenType.CONTROL] * len(specials)
    end = specials["<|im_end|>"]

    chains = []
    tool = TOOL
    if calls:
        tool = [f'<tool_call>\n{{"name": "{calls}", ', '"arguments": ', arguments + '}\n</tool_call>']
    for words in (CHAT, CODE, tool):
        first = len(tokens)
        # the place in its chain makes a word a token of its own; users see user-defined text as it is
        tokens += [spelled(word) for word in words]
        kinds += [gguf.TokenType.NORMAL] * len(words)
        chains.append(range(first, len(tokens)))
    chat, code, tool = chains
    while len(tokens) < WIDTH:
        tokens.append(f"<unused{len(tokens)}>")
        kinds.append(gguf.TokenType.UNUSED)

    successor = [code[0]] * WIDTH
    successor[ord("\n")] = chat[0]
    successor[ord("\t")] = tool[0]
    for chain in chains:
        for token, following in zip(chain, [*chain[1:], end]):
            successor[token] = following
    output = numpy.zeros((WIDTH, WIDTH), dtype=numpy.float32)
    for token, following in enumerate(successor):
        output[following, token] = 10

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("always the same")
    writer.add_context_length(32768)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(WIDTH // HEAD)
    writer.add_head_count_kv(WIDTH // HEAD)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(WIDTH)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([f"{space} {space}"])
    writer.add_bos_token_id(end)
    writer.add_eos_token_id(end)
    writer.add_add_bos_token(False)
    template = TEMPLATE.replace("if tools else", "if tools and messages[-1].role == 'user' else")
    writer.add_chat_template(template if calls else TEMPLATE)
    zeros = lambda *shape: numpy.zeros(shape, dtype=numpy.float32)
    ones = numpy.ones(WIDTH, dtype=numpy.float32)
    writer.add_tensor("token_embd.weight", numpy.eye(WIDTH, dtype=numpy.float32))
    writer.add_tensor("output_norm.weight", ones)
    writer.add_tensor("output.weight", output)
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"blk.0.{name}.weight", zeros(WIDTH, WIDTH))
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", ones)
    for name in ("ffn_gate", "ffn_up"):
        writer.add_tensor(f"blk.0.{name}.weight", zeros(32, WIDTH))
    writer.add_tensor("blk.0.ffn_down.weight", zeros(WIDTH, 32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--api-key", required=True)
    parser.add_argument("--embeddings", action="store_true")
    parser.add_argument("--calls")
    parser.add_argument("--arguments", default="{}", help="an object as JSON text")
    parser.add_argument("--prefix", default="", help="the folder of its routes")
    given = parser.parse_args()
    model = given.folder / "model.gguf"
    write_model(model, given.calls, given.arguments)

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = 32768
    if given.embeddings:
        # such a server does nothing else
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_LAST
    params.n_parallel = 4
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = 1
    params.n_threads_http = 4
    params.use_jinja = True
    params.warmup = False
    params.fit_params = False
    params.api_keys = [given.api_key]
    params.api_prefix = given.prefix
    server = xllamacpp.Server(params)
    # one write, with a line of its own: the server's threads write their log between two, and
    # may have left a line open
    address = server.listening_address.split("://")[-1].rstrip("/")
    os.write(1, f"\nready {address}\n".encode())
    signal.pause()


main()
