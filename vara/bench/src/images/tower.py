"""A CLIP image tower of the size of ViT-B/32, of chance numbers, and onnxruntime that runs it.

tower.py write MODEL                           writes the graph
tower.py run CORES MODEL PIXELS BATCH RUNS     looks at the pictures of PIXELS (224 x 224, red, green, blue, byte by byte), and
                                               tells what it took as one line of JSON
"""
import json
import sys
import time

import numpy

SIDE, PATCH, WIDTH, LAYERS, HEADS, PROJECTED = 224, 32, 768, 12, 12, 512
PATCHES = (SIDE // PATCH) ** 2
TOKENS = PATCHES + 1


def write(path):
    from onnx import TensorProto, checker, helper, numpy_helper, save

    chance = numpy.random.default_rng(32)
    nodes, weights = [], []

    def kept(name, numbers):
        weights.append(numpy_helper.from_array(numbers, name))
        return name

    def normal(name, *shape, scale):
        return kept(name, chance.standard_normal(shape, dtype=numpy.float32) * numpy.float32(scale))

    def whole(name, *numbers):
        return kept(name, numpy.array(numbers, dtype=numpy.int64))

    def node(kind, *inputs, to=None, **how):
        out = to or f'{kind.lower()}_{len(nodes)}'
        nodes.append(helper.make_node(kind, list(inputs), [out], name=f'node_{len(nodes)}', **how))
        return out

    def linear(of, name, wide, high, scale=1.0):
        # As long as what goes in, so that numbers neither grow nor vanish through the layers.
        weight = normal(f'{name}.weight', wide, high, scale=scale / wide**0.5)
        return node('Add', node('MatMul', of, weight), normal(f'{name}.bias', high, scale=0.02))

    def layer_norm(of, name):
        scale = kept(f'{name}.weight', numpy.ones(WIDTH, dtype=numpy.float32))
        return node('LayerNormalization', of, scale, normal(f'{name}.bias', WIDTH, scale=0.02), axis=-1, epsilon=1e-5)

    by_heads = whole('by_heads', 0, TOKENS, HEADS, WIDTH // HEADS)
    together = whole('together', 0, TOKENS, WIDTH)
    root = kept('root', numpy.array((WIDTH // HEADS) ** -0.5, dtype=numpy.float32))
    steep = kept('steep', numpy.array(1.702, dtype=numpy.float32))

    def attention(of, name):
        q, k, v = (node('Reshape', linear(of, f'{name}.{part}', WIDTH, WIDTH), by_heads) for part in 'qkv')
        q, v = (node('Transpose', part, perm=[0, 2, 1, 3]) for part in (node('Mul', q, root), v))
        k = node('Transpose', k, perm=[0, 2, 3, 1])
        seen = node('MatMul', node('Softmax', node('MatMul', q, k), axis=-1), v)
        seen = node('Reshape', node('Transpose', seen, perm=[0, 2, 1, 3]), together)
        return linear(seen, f'{name}.out', WIDTH, WIDTH, scale=(2 * LAYERS) ** -0.5)

    def perceptron(of, name):
        inner = linear(of, f'{name}.fc1', WIDTH, 4 * WIDTH)
        inner = node('Mul', inner, node('Sigmoid', node('Mul', inner, steep)))
        return linear(inner, f'{name}.fc2', 4 * WIDTH, WIDTH, scale=(2 * LAYERS) ** -0.5)

    kernel = normal('patch.weight', WIDTH, 3, PATCH, PATCH, scale=(3 * PATCH**2) ** -0.5)
    patches = node('Conv', 'pixel_values', kernel, kernel_shape=[PATCH, PATCH], strides=[PATCH, PATCH],
                   pads=[0, 0, 0, 0], dilations=[1, 1], group=1)
    patches = node('Transpose', node('Reshape', patches, whole('in_a_row', 0, WIDTH, PATCHES)), perm=[0, 2, 1])
    pictures = node('Gather', node('Shape', 'pixel_values'), whole('first', 0), axis=0)
    shape = node('Concat', pictures, whole('of_one', 1, WIDTH), axis=0)
    token = node('Expand', normal('class', 1, 1, WIDTH, scale=0.5), shape)
    hidden = node('Concat', token, patches, axis=1)
    hidden = layer_norm(node('Add', hidden, normal('position', 1, TOKENS, WIDTH, scale=0.5)), 'before')
    for layer in range(LAYERS):
        hidden = node('Add', hidden, attention(layer_norm(hidden, f'{layer}.norm1'), f'{layer}.attention'))
        hidden = node('Add', hidden, perceptron(layer_norm(hidden, f'{layer}.norm2'), f'{layer}.mlp'))
    of_class = node('Gather', hidden, kept('of_class', numpy.array(0, dtype=numpy.int64)), axis=1)
    projection = normal('projection', WIDTH, PROJECTED, scale=WIDTH**-0.5)
    node('MatMul', layer_norm(of_class, 'after'), projection, to='image_embeds')

    def told(name, *shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))

    graph = helper.make_graph(nodes, 'tower', [told('pixel_values', 'pictures', 3, SIDE, SIDE)],
                              [told('image_embeds', 'pictures', PROJECTED)], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    checker.check_model(model)
    save(model, path)


def run(cores, path, pixels, batch, runs):
    import os
    import resource

    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])

    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = cores, 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
    # CLIP's published processor settings.
    mean = numpy.array([0.48145466, 0.4578275, 0.40821073], dtype=numpy.float32)
    deviation = numpy.array([0.26862954, 0.26130258, 0.27577711], dtype=numpy.float32)
    pictures = numpy.fromfile(pixels, dtype=numpy.uint8).reshape(-1, SIDE, SIDE, 3)[:batch]
    planes = (pictures.astype(numpy.float32) / 255 - mean) / deviation
    seen = {'pixel_values': numpy.ascontiguousarray(planes.transpose(0, 3, 1, 2))}
    singly = []
    for _ in range(runs + 1):
        begun = time.perf_counter()
        vectors = session.run(['image_embeds'], seen)[0]
        singly.append((time.perf_counter() - begun) * 1e3)
    print(json.dumps({'runs_ms': singly[1:], 'vectors': vectors.tolist(),
                      'peak_kib': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


if sys.argv[1] == 'write':
    write(sys.argv[2])
else:
    cores, model, squares, batch, runs = sys.argv[2:]
    run(int(cores), model, squares, int(batch), int(runs))
