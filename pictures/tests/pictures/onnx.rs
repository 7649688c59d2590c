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
    let graph = [
        text(2, "tiny_clip"),
        message(1, &pool()),
        message(1, &node("Flatten", &["pooled"], "flat", &[int("axis", 1)])),
        message(1, &node("MatMul", &["flat", "head"], "image_embeds", &[])),
        message(5, &head(numbers)),
        message(11, &port("pixel_values", &[3, 224, 224])),
        message(12, &port("image_embeds", &[numbers])),
    ]
    .concat();
    let operators = [text(1, ""), number(2, 14)].concat();
    let maker = text(2, "vara, pictures/tests/pictures/onnx.rs");
    [
        number(1, 8),
        maker,
        message(7, &graph),
        message(8, &operators),
    ]
    .concat()
}

fn pool() -> Vec<u8> {
    let window = [
        ints("kernel_shape", &[32, 32]),
        ints("strides", &[32, 32]),
        ints("pads", &[0; 4]),
    ];
    node("AveragePool", &["pixel_values"], "pooled", &window)
}

/// The weights, row by row: for each channel and square, one number for each of the outputs.
fn head(numbers: usize) -> Vec<u8> {
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
