//! Ids and salts of runs.

/// A new id, which begins with its time so that ids sort by age, and a salt.
pub fn fresh(now_ms: u64) -> (String, u64) {
    let mut random = [0_u8; 10];
    // Without randomness the time still makes ids differ; the salt is no secret.
    getrandom::fill(&mut random).unwrap_or_default();
    let (tail, salt) = random.split_at(2);
    let tail = tail.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let salt = salt.try_into().map_or(now_ms, u64::from_le_bytes);
    (format!("{now_ms:013}-{tail}"), salt)
}
