//! The scenes, each a function from a place in the picture to its colour.

/// Width along, height down (0 to 1), to red, green and blue (0 to 1).
pub type Scene = fn(f64, f64) -> [f64; 3];

/// Everything that is not the demonstration's picture.
pub const STRANGERS: [(&str, Scene); 8] = [
    ("dunes", dunes),
    ("night_city", night_city),
    ("tiles", tiles),
    ("balloons", balloons),
    ("mountains", mountains),
    ("fruit", fruit),
    ("forest", forest),
    ("stairs", stairs),
];

/// The demonstration's own picture: hills, a hut and a sail boat at a lake in the evening.
pub fn lake_at_dusk(x: f64, y: f64) -> [f64; 3] {
    let shore = 0.62;
    if y > shore {
        // The water shows the upper half again, darker and drawn apart by the waves.
        let wave = (noise(3, x * 9.0, y * 70.0) - 0.5) * 0.09 * (y - shore + 0.12);
        let mirrored = dusk_land(x + wave, shore - (y - shore) * 1.25);
        let shimmer = 0.10 * noise(4, x * 14.0, y * 120.0);
        let water = mix(mirrored, [0.10, 0.16, 0.28], 0.38);
        return boat(x, y).unwrap_or_else(|| water.map(|part| part + shimmer - 0.05));
    }
    boat(x, y).unwrap_or_else(|| dusk_land(x, y))
}

fn dusk_land(x: f64, y: f64) -> [f64; 3] {
    if inside(x, y, (0.17, 0.50), (0.16, 0.12)) {
        let window = inside(x, y, (0.21, 0.54), (0.035, 0.04));
        let plank = 0.06 * noise(5, x * 4.0, y * 90.0);
        let wall = [0.36 + plank, 0.20 + plank, 0.13 + plank];
        return if window { [1.0, 0.86, 0.45] } else { wall };
    }
    if y > 0.42 && y < 0.50 && (x - 0.25).abs() < (y - 0.42) * 1.4 {
        return [0.20, 0.09, 0.08];
    }
    for (row, (base, tall, colour)) in [
        (0.58, 0.10, [0.07, 0.12, 0.10]),
        (0.50, 0.17, [0.17, 0.21, 0.27]),
        (0.40, 0.24, [0.38, 0.32, 0.44]),
    ]
    .into_iter()
    .enumerate()
    {
        let seed = 10 + row as u32;
        let ridge = base - tall * (layers(seed, x * 2.6) - 0.35);
        if y > ridge {
            let grain = 0.09 * (noise(seed + 7, x * 70.0, y * 70.0) - 0.5);
            return colour.map(|part| part + grain);
        }
    }
    let sky = mix([0.20, 0.24, 0.48], [0.99, 0.58, 0.32], (y / 0.5).powf(1.3));
    let cloud = (layers2(21, x * 3.0, y * 11.0) - 0.52).max(0.0) * 1.6;
    let sun = ring(x, y, (0.98, 0.26), 0.075);
    mix(
        mix(sky, [0.93, 0.72, 0.70], cloud.min(0.8)),
        [1.0, 0.95, 0.72],
        sun,
    )
}

fn boat(x: f64, y: f64) -> Option<[f64; 3]> {
    let (u, v) = (x - 0.80, y - 0.66);
    let hull = v > 0.02 && v < 0.065 && u.abs() < 0.12 - (v - 0.02) * 0.9;
    let sail = v < 0.01 && v > -0.25 && u > -0.005 && u < (v + 0.25) * 0.42;
    let jib = v < 0.01 && v > -0.20 && u < -0.015 && -u < (v + 0.20) * 0.36;
    match (hull, sail, jib) {
        (true, _, _) => Some([0.55, 0.10, 0.12]),
        (_, true, _) => Some([0.97, 0.95, 0.90]),
        (_, _, true) => Some([0.86, 0.80, 0.74]),
        (false, false, false) => None,
    }
}

fn dunes(x: f64, y: f64) -> [f64; 3] {
    let crest = 0.35 + 0.16 * (x * 3.1).sin() + 0.07 * layers(31, x * 2.0);
    if y < crest {
        return mix([0.30, 0.55, 0.85], [0.85, 0.92, 0.95], y / crest);
    }
    let ripples = ((y - crest) * 60.0 + 7.0 * layers2(32, x * 4.0, y * 4.0)).sin();
    let lit = (0.62 + 0.22 * ripples).clamp(0.0, 1.0);
    let slope = if (x * 2.2 + y * 1.4).sin() > 0.1 {
        1.0
    } else {
        0.55
    };
    [0.98, 0.78, 0.50].map(|part| part * lit * slope + 0.08)
}

fn night_city(x: f64, y: f64) -> [f64; 3] {
    let tower = (x * 11.0).floor();
    let roof = 0.18 + 0.62 * dice(41, tower, 0.0);
    if y < roof {
        let moon = ring(x, y, (0.3, 0.14), 0.06);
        return mix(
            mix([0.02, 0.02, 0.10], [0.20, 0.10, 0.30], y),
            [0.9, 0.9, 0.8],
            moon,
        );
    }
    let (column, floor) = ((x * 66.0).floor(), (y * 44.0).floor());
    let lit = dice(42, column, floor) > 0.45 && column.rem_euclid(6.0) > 0.5;
    let glass = 0.55 + 0.45 * dice(43, column, floor);
    if lit {
        [glass, glass * 0.8, 0.35]
    } else {
        [0.06, 0.07, 0.11 + 0.1 * dice(44, tower, 1.0)]
    }
}

fn tiles(x: f64, y: f64) -> [f64; 3] {
    let (column, row) = ((x * 7.0).floor(), (y * 7.0).floor());
    let (u, v) = (x * 7.0 - column - 0.5, y * 7.0 - row - 0.5);
    if u.abs() > 0.46 || v.abs() > 0.46 {
        return [0.82, 0.80, 0.76];
    }
    let kind = dice(51, column, row);
    let arc = (u.hypot(v) - 0.12 - 0.3 * kind).abs() < 0.07;
    let glaze = 0.10 * noise(52, x * 50.0, y * 50.0);
    let ground = mix(
        [0.10, 0.25, 0.55],
        [0.95, 0.85, 0.60],
        (kind > 0.5) as u8 as f64,
    );
    if arc {
        [0.75, 0.30, 0.15]
    } else {
        ground.map(|part| part + glaze)
    }
}

fn balloons(x: f64, y: f64) -> [f64; 3] {
    for one in (0..14).rev() {
        let at = f64::from(one);
        let (cx, cy) = (1.34 * dice(61, at, 0.0), dice(61, at, 1.0));
        let radius = 0.07 + 0.11 * dice(61, at, 2.0);
        let away = (x - cx).hypot((y - cy) * 0.85) / radius;
        if away < 1.0 {
            let hue = [dice(61, at, 3.0), dice(61, at, 4.0), dice(61, at, 5.0)];
            let gleam =
                (1.0 - (x - cx + radius * 0.4).hypot(y - cy + radius * 0.4) / radius).max(0.0);
            return hue.map(|part| part * (1.05 - 0.5 * away * away) + 0.5 * gleam);
        }
    }
    let haze = layers2(62, x * 4.0, y * 6.0);
    mix([0.45, 0.70, 0.95], [0.98, 0.98, 1.0], haze)
}

fn mountains(x: f64, y: f64) -> [f64; 3] {
    let peak = 0.75 - 0.62 * layers(71, x * 2.3 + 5.0);
    if y < peak {
        return mix(
            [0.35, 0.60, 0.90],
            [0.95, 0.95, 0.98],
            layers2(72, x * 2.0, y * 5.0),
        );
    }
    let rock = layers2(73, x * 12.0 + y * 8.0, y * 12.0);
    let snow = y < peak + 0.10 + 0.12 * rock;
    let shade = if layers(74, x * 9.0 + y * 3.0) > 0.5 {
        1.0
    } else {
        0.5
    };
    let colour = if snow {
        [0.96, 0.97, 1.0]
    } else {
        [0.36, 0.32, 0.30]
    };
    colour.map(|part| part * (0.55 + 0.45 * rock) * (0.5 + 0.5 * shade))
}

fn fruit(x: f64, y: f64) -> [f64; 3] {
    let bowl = [
        (0.42, 0.48, 0.17, [0.85, 0.12, 0.10]),
        (0.74, 0.44, 0.19, [0.98, 0.62, 0.08]),
        (0.58, 0.30, 0.15, [0.60, 0.80, 0.20]),
        (0.98, 0.56, 0.15, [0.45, 0.12, 0.40]),
        (0.24, 0.60, 0.12, [0.95, 0.85, 0.20]),
    ];
    for (cx, cy, radius, colour) in bowl {
        let away = (x - cx).hypot(y - cy) / radius;
        if away < 1.0 {
            let pores = 0.12 * noise(81, x * 60.0, y * 60.0);
            let lit = 1.15 - 0.8 * ((x - cx) * 0.6 + (y - cy) + radius * 0.5).max(0.0) / radius;
            return colour.map(|part| part * lit + pores - 0.06);
        }
    }
    if y > 0.62 {
        let grain = layers2(82, x * 2.0, y * 40.0);
        return mix([0.30, 0.17, 0.09], [0.62, 0.42, 0.25], grain);
    }
    let stripe = ((x * 9.0).floor().rem_euclid(2.0) > 0.5) as u8 as f64;
    mix([0.80, 0.86, 0.84], [0.55, 0.68, 0.70], stripe)
}

fn forest(x: f64, y: f64) -> [f64; 3] {
    for depth in 0..3_u32 {
        let density = 5.0 + 4.0 * f64::from(depth);
        let bent = x * density + 0.25 * layers(91 + depth, y * 3.0);
        let trunk = bent.floor();
        let wide = 0.13 + 0.22 * dice(95 + depth, trunk, 0.0);
        if (bent - trunk - 0.5).abs() < wide {
            let bark = noise(98, bent * 14.0, y * 12.0);
            let dark = 0.14 + 0.20 * f64::from(depth);
            return [
                dark + 0.16 * bark,
                dark * 0.8 + 0.13 * bark,
                dark * 0.6 + 0.08 * bark,
            ];
        }
    }
    let leaves = layers2(99, x * 12.0, y * 12.0);
    let light = (1.0 - y).powf(0.7);
    mix([0.10, 0.28, 0.10], [0.85, 0.95, 0.60], leaves * light)
}

fn stairs(x: f64, y: f64) -> [f64; 3] {
    let along = x * 0.75 + (1.0 - y) * 1.1;
    let step = (along * 7.0).floor();
    let within = along * 7.0 - step;
    let stone = 0.12 * layers2(101, x * 18.0, y * 18.0);
    let rail =
        (y - 0.62 + x * 0.42).abs() < 0.022 || ((x * 6.0).fract() < 0.07 && y < 0.62 - x * 0.42);
    match (rail, within < 0.35) {
        (true, _) => [0.08, 0.08, 0.09],
        (false, true) => [0.28 + stone, 0.26 + stone, 0.27 + stone],
        (false, false) => [0.78 + stone, 0.74 + stone, 0.66 + stone],
    }
}

fn mix(from: [f64; 3], to: [f64; 3], share: f64) -> [f64; 3] {
    let share = share.clamp(0.0, 1.0);
    std::array::from_fn(|part| from[part] + (to[part] - from[part]) * share)
}

fn inside(x: f64, y: f64, corner: (f64, f64), size: (f64, f64)) -> bool {
    (0.0..size.0).contains(&(x - corner.0)) && (0.0..size.1).contains(&(y - corner.1))
}

/// 1 within the circle, fading out around it.
fn ring(x: f64, y: f64, centre: (f64, f64), radius: f64) -> f64 {
    let away = (x - centre.0).hypot(y - centre.1) / radius;
    if away < 1.0 {
        1.0
    } else {
        (1.0 / away).powi(4)
    }
}

/// The same number between 0 and 1 for the same seed and cell, on every machine.
fn dice(seed: u32, column: f64, row: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "cells are small whole numbers"
    )]
    let (column, row) = (column as i32 as u32, row as i32 as u32);
    let mut state = seed
        .wrapping_mul(0x9E37_79B9)
        .wrapping_add(column.wrapping_mul(0x85EB_CA6B))
        .wrapping_add(row.wrapping_mul(0xC2B2_AE35));
    state = (state ^ (state >> 15)).wrapping_mul(0x2C1B_3C6D);
    state = (state ^ (state >> 12)).wrapping_mul(0x297A_2D39);
    f64::from(state ^ (state >> 15)) / f64::from(u32::MAX)
}

/// Value noise: dice at whole places, smooth between them.
fn noise(seed: u32, x: f64, y: f64) -> f64 {
    let (column, row) = (x.floor(), y.floor());
    let ease = |part: f64| part * part * (3.0 - 2.0 * part);
    let (u, v) = (ease(x - column), ease(y - row));
    let edge = |row| {
        let left = dice(seed, column, row);
        left + (dice(seed, column + 1.0, row) - left) * u
    };
    let top = edge(row);
    top + (edge(row + 1.0) - top) * v
}

fn layers2(seed: u32, x: f64, y: f64) -> f64 {
    0.55 * noise(seed, x, y)
        + 0.28 * noise(seed, x * 2.1, y * 2.1)
        + 0.17 * noise(seed, x * 4.3, y * 4.3)
}

fn layers(seed: u32, x: f64) -> f64 {
    layers2(seed, x, 0.5)
}
