//! Ids and salts of runs.

/// A new id, which begins with its time so that ids sort by age, and a salt.
pub fn fresh(now_ms: u64) -> (String, u64) {
    let mut random = [0_u8; 10];
    let [first, second, salt @ ..] = match getrandom::fill(&mut random) {
        Ok(()) => random,
        // Time and process make ids differ then; the salt is no secret.
        Err(_) => without_randomness(now_ms),
    };
    (format!("{now_ms:013}-{first:02x}{second:02x}"), u64::from_le_bytes(salt))
}

fn without_randomness(now_ms: u64) -> [u8; 10] {
    let [.., first, second] = std::process::id().to_be_bytes();
    let [a, b, c, d, e, f, g, h] = now_ms.to_be_bytes();
    [first, second, h, g, f, e, d, c, b, a]
}
