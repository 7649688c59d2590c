//! Just enough of ONNX's protocol buffers to write one small graph; field numbers are those of
//! `onnx.proto3`, IR version 8, operator set 14.

/// Squares of the pooled picture along one side: 224 / 32.
const SQUARES: usize = 7;
/// Numbers that the weights turn into a vector.
const POOLED: usize = 3 * SQUARES * SQUARES;
/// How much of the weights' mean over a channel stays: enough that plain colours differ, little
/// enough that a picture is known by its structure rather than by its brightness.
const MEAN_KEPT: f32 = 0.3;

/// The bytes of a model from `[N, 3, 224, 224]` to `[N, numbers]`.
pub fn tiny_clip(numbers: usize) -> Vec<u8> {
    seen_in_squares(224, numbers)
}

/// The bytes of a model from `[N, 3, 112, 112]` to `[N, numbers]`, as face models are: alike faces, alike vectors.
pub fn tiny_face_embedder(numbers: usize) -> Vec<u8> {
    seen_in_squares(112, numbers)
}

/// Seven by seven squares of a picture of `side` pixels, weighed.
fn seen_in_squares(side: usize, numbers: usize) -> Vec<u8> {
    let graph = [
        text(2, "tiny_clip"),
        message(1, &pool("pixel_values", "pooled", side / SQUARES)),
        message(1, &node("Flatten", &["pooled"], "flat", &[int("axis", 1)])),
        message(1, &node("MatMul", &["flat", "head"], "image_embeds", &[])),
        message(5, &weights(numbers)),
        message(11, &port("pixel_values", &[3, side, side])),
        message(12, &port("image_embeds", &[numbers])),
    ]
    .concat();
    model(&graph)
}

fn model(graph: &[u8]) -> Vec<u8> {
    let operators = [text(1, ""), number(2, 14)].concat();
    let maker = text(2, "vara, pictures/tests/pictures/onnx.rs");
    [
        number(1, 8),
        maker,
        message(7, graph),
        message(8, &operators),
    ]
    .concat()
}

/// The bytes of a detector of YuNet's form that takes each white square of 32 x 32 pixels, on a grid of as many, for a face of
/// 64 x 64 with eyes, nose and mouth where ArcFace's template has them.
pub fn tiny_detector() -> Vec<u8> {
    let mut graph = text(2, "tiny_detector");
    for stride in [8_usize, 16, 32] {
        let pooled = format!("pooled_{stride}");
        graph.extend(message(1, &pool("input", &pooled, stride)));
        // Only the largest stride sees anything, so that each square is one face.
        let seen = if stride == 32 {
            1.0 / (3.0 * 255.0)
        } else {
            0.0
        };
        let size = (64.0 / stride as f32).ln();
        head(&mut graph, "cls", stride, seen, &[0.0]);
        head(&mut graph, "obj", stride, 0.0, &[1.0]);
        head(&mut graph, "bbox", stride, 0.0, &[0.5, 0.5, size, size]);
        let template = [
            38.2946, 51.6963, 73.5318, 51.5014, 56.0252, 71.7366, 41.5493, 92.3655, 70.7299,
            92.2041,
        ];
        let marks = template.map(|at: f32| 0.5 + (at - 56.0) / 112.0 * 64.0 / stride as f32);
        head(&mut graph, "kps", stride, 0.0, &marks);
    }
    graph.extend(message(11, &port("input", &[3, 640, 640])));
    model(&graph)
}

/// One head at one stride: a 1 x 1 convolution with one weight for every channel and a bias for each number, in rows.
fn head(graph: &mut Vec<u8>, head: &str, stride: usize, weight: f32, bias: &[f32]) {
    let name = format!("{head}_{stride}");
    let [map, turned] = ["map", "turned"].map(|stage| format!("{name}_{stage}"));
    let [weights, biases, shape] =
        ["weights", "biases", "shape"].map(|kind| format!("{name}_{kind}"));
    let window = [
        ints("kernel_shape", &[1, 1]),
        ints("strides", &[1, 1]),
        ints("pads", &[0; 4]),
    ];
    let inputs = [format!("pooled_{stride}"), weights.clone(), biases.clone()];
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    graph.extend(message(1, &node("Conv", &inputs, &map, &window)));
    graph.extend(message(
        1,
        &node(
            "Transpose",
            &[&map],
            &turned,
            &[ints("perm", &[0, 2, 3, 1])],
        ),
    ));
    graph.extend(message(1, &node("Reshape", &[&turned, &shape], &name, &[])));
    let each = bias.len();
    graph.extend(message(
        5,
        &floats(&weights, &[each, 3, 1, 1], &vec![weight; each * 3]),
    ));
    graph.extend(message(5, &floats(&biases, &[each], bias)));
    let rows = (640 / stride) * (640 / stride);
    let sizes: Vec<u8> = [1, rows, each]
        .iter()
        .flat_map(|side| (*side as i64).to_le_bytes())
        .collect();
    graph.extend(message(
        5,
        &[
            number(1, 3),
            number(2, 7),
            text(8, &shape),
            message(9, &sizes),
        ]
        .concat(),
    ));
    graph.extend(message(12, &port(&name, &[rows, each])));
}

fn floats(name: &str, shape: &[usize], values: &[f32]) -> Vec<u8> {
    let shape: Vec<u8> = shape
        .iter()
        .flat_map(|side| number(1, *side as u64))
        .collect();
    let raw: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    [shape, number(2, 1), text(8, name), message(9, &raw)].concat()
}

fn pool(input: &str, output: &str, square: usize) -> Vec<u8> {
    let window = [
        ints("kernel_shape", &[square as u64; 2]),
        ints("strides", &[square as u64; 2]),
        ints("pads", &[0; 4]),
    ];
    node("AveragePool", &[input], output, &window)
}

/// The weights, row by row: for each channel and square, one number for each of the outputs.
fn weights(numbers: usize) -> Vec<u8> {
    let mut chance = 0x5661_7261_u64;
    let mut weights: Vec<f32> = (0..POOLED * numbers).map(|_| draw(&mut chance)).collect();
    for channel in weights.chunks_exact_mut(SQUARES * SQUARES * numbers) {
        for output in 0..numbers {
            let sum: f32 = channel.iter().skip(output).step_by(numbers).sum();
            let taken = sum / (SQUARES * SQUARES) as f32 * (1.0 - MEAN_KEPT);
            for weight in channel.iter_mut().skip(output).step_by(numbers) {
                *weight -= taken;
            }
        }
    }
    let raw: Vec<u8> = weights
        .iter()
        .flat_map(|weight| weight.to_le_bytes())
        .collect();
    let shape = [number(1, POOLED as u64), number(1, numbers as u64)].concat();
    let float = number(2, 1);
    [shape, float, text(8, "head"), message(9, &raw)].concat()
}

/// SplitMix64, as a fraction between -1 and 1 that a float holds exactly.
fn draw(chance: &mut u64) -> f32 {
    *chance = chance.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *chance;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let bits = ((mixed ^ (mixed >> 31)) >> 44) as i32;
    (bits - (1 << 19)) as f32 / (1 << 19) as f32
}

fn node(operator: &str, inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut node: Vec<u8> = inputs.iter().flat_map(|input| text(1, input)).collect();
    node.extend([text(2, output), text(3, output), text(4, operator)].concat());
    for attribute in attributes {
        node.extend(message(5, attribute));
    }
    node
}

fn int(name: &str, value: u64) -> Vec<u8> {
    [text(1, name), number(3, value), number(20, 2)].concat()
}

fn ints(name: &str, values: &[u64]) -> Vec<u8> {
    let values = values.iter().flat_map(|value| number(8, *value)).collect();
    [text(1, name), values, number(20, 7)].concat()
}

/// An input or output of floats whose first dimension is free.
fn port(name: &str, rest: &[usize]) -> Vec<u8> {
    let mut shape = message(1, &text(2, "N"));
    for side in rest {
        shape.extend(message(1, &number(1, *side as u64)));
    }
    let tensor = [number(1, 1), message(2, &shape)].concat();
    [text(1, name), message(2, &message(1, &tensor))].concat()
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn text(field: u64, value: &str) -> Vec<u8> {
    message(field, value.as_bytes())
}

fn message(field: u64, body: &[u8]) -> Vec<u8> {
    [
        varint(field << 3 | 2),
        varint(body.len() as u64),
        body.to_vec(),
    ]
    .concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
