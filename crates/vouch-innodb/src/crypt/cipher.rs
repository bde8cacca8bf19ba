//! AES as pages are encrypted with it: [`Aes`] decrypts chains of blocks in place.

use aes::cipher::consts::U16;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use std::fmt;

/// Bytes of a block, and of an initialisation vector.
pub(crate) const BLOCK: usize = 16;
/// Bytes that are decrypted at a time: what a processor works on side by side.
const GROUP: usize = 16 * BLOCK;

/// A key, ready to be used. It is wiped from memory when it is dropped.
#[derive(Clone)]
pub(crate) enum Aes {
    Of128(Box<Aes128>),
    Of192(Box<Aes192>),
    Of256(Box<Aes256>),
}

impl fmt::Debug for Aes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Aes")
    }
}

impl Aes {
    /// A key of 16, 24 or 32 bytes.
    pub(crate) fn new(key: &[u8]) -> Option<Aes> {
        match key.len() {
            16 => Aes128::new_from_slice(key).ok().map(|aes| Aes::Of128(Box::new(aes))),
            24 => Aes192::new_from_slice(key).ok().map(|aes| Aes::Of192(Box::new(aes))),
            32 => Aes256::new_from_slice(key).ok().map(|aes| Aes::Of256(Box::new(aes))),
            _ => None,
        }
    }

    /// One block, encrypted.
    pub(crate) fn encrypted(&self, block: [u8; BLOCK]) -> [u8; BLOCK] {
        let mut block = Array(block);
        match self {
            Aes::Of128(aes) => aes.encrypt_block(&mut block),
            Aes::Of192(aes) => aes.encrypt_block(&mut block),
            Aes::Of256(aes) => aes.encrypt_block(&mut block),
        }
        block.0
    }

    /// Decrypts whole blocks, each by itself; what is left behind them stays.
    pub(crate) fn decrypt_blocks(&self, bytes: &mut [u8]) {
        let (blocks, _) = Array::<u8, U16>::slice_as_chunks_mut(bytes);
        match self {
            Aes::Of128(aes) => aes.decrypt_blocks(blocks),
            Aes::Of192(aes) => aes.decrypt_blocks(blocks),
            Aes::Of256(aes) => aes.decrypt_blocks(blocks),
        }
    }

    /// Decrypts whole blocks that are chained (CBC); what is left behind them stays.
    pub(crate) fn decrypt_chain(&self, iv: [u8; BLOCK], bytes: &mut [u8]) {
        let whole = bytes.len() - bytes.len() % BLOCK;
        // What was encrypted, one block late.
        let mut late = [0; BLOCK + GROUP];
        late.iter_mut().zip(iv).for_each(|(to, from)| *to = from);
        for group in bytes.get_mut(..whole).unwrap_or_default().chunks_mut(GROUP) {
            late.iter_mut().skip(BLOCK).zip(&*group).for_each(|(to, from)| *to = *from);
            self.decrypt_blocks(group);
            group.iter_mut().zip(&late).for_each(|(byte, before)| *byte ^= before);
            late.copy_within(group.len()..group.len() + BLOCK, 0);
        }
    }

    /// Decrypts what was combined with encrypted numbers (CTR), of which `iv` is the first.
    pub(crate) fn decrypt_counted(&self, iv: [u8; BLOCK], bytes: &mut [u8]) {
        let first = u128::from_be_bytes(iv);
        for (block, number) in bytes.chunks_mut(BLOCK).zip(0_u128..) {
            let mask = self.encrypted(first.wrapping_add(number).to_be_bytes());
            block.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        }
    }
}

/// A key that bytes are encrypted with by counting: AES in its counter mode.
#[derive(Clone, Debug)]
pub struct CounterKey(Aes);

impl CounterKey {
    /// A key of 16, 24 or 32 bytes; `None` for any other.
    pub fn new(key: &[u8]) -> Option<CounterKey> {
        Aes::new(key).map(CounterKey)
    }

    /// Encrypts or decrypts, which are the same; `counter` is of the first block.
    pub fn apply(&self, counter: [u8; BLOCK], bytes: &mut [u8]) {
        self.0.decrypt_counted(counter, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the standard gives for AES-128: NIST SP 800-38A, F.2.1 and F.5.1.
    const KEY: u128 = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c;
    const PLAIN: [u128; 2] = [0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a, 0xae2d_8a57_1e03_ac9c_9eb7_6fac_45af_8e51];

    fn bytes(blocks: &[u128]) -> Vec<u8> {
        blocks.iter().flat_map(|block| block.to_be_bytes()).collect()
    }

    #[test]
    fn chains_and_counters_are_those_of_the_standard() {
        let aes = Aes::new(&KEY.to_be_bytes()).unwrap();
        let iv = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128.to_be_bytes();
        let mut chain = bytes(&[0x7649_abac_8119_b246_cee9_8e9b_12e9_197d, 0x5086_cb9b_5072_19ee_95db_113a_9176_78b2]);
        chain.extend([1, 2, 3]);
        aes.decrypt_chain(iv, &mut chain);
        assert_eq!(chain[..32], bytes(&PLAIN));
        assert_eq!(chain[32..], [1, 2, 3]);
        let iv = 0xf0f1_f2f3_f4f5_f6f7_f8f9_fafb_fcfd_feff_u128.to_be_bytes();
        let mut counted =
            bytes(&[0x874d_6191_b620_e326_1bef_6864_990d_b6ce, 0x9806_f66b_7970_fdff_8617_187b_b9ff_fdff]);
        aes.decrypt_counted(iv, &mut counted);
        assert_eq!(counted, bytes(&PLAIN));
    }

    #[test]
    fn a_long_chain_is_the_same_in_parts() {
        let aes = Aes::new(&[7; 32]).unwrap();
        let cipher: Vec<u8> = (0..5 * GROUP + 3 * BLOCK).map(|at| (at * 31 % 251) as u8).collect();
        let mut whole = cipher.clone();
        aes.decrypt_chain([9; BLOCK], &mut whole);
        for (at, block) in whole.chunks(BLOCK).enumerate().skip(1) {
            let mut one = cipher[at * BLOCK..][..BLOCK].to_vec();
            aes.decrypt_chain(cipher[(at - 1) * BLOCK..][..BLOCK].try_into().unwrap(), &mut one);
            assert_eq!(one, block, "{at}");
        }
    }

    #[test]
    fn keys_of_other_lengths_are_none() {
        assert!(Aes::new(&[0; 17]).is_none() && Aes::new(&[]).is_none() && Aes::new(&[0; 24]).is_some());
    }
}
