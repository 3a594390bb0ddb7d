//! A string of JSON. Prompts are kilobytes of code, and looking at each of their bytes was a tenth
//! of what a completion cost; here most of them pass eight at a time.

/// Adds a text with its quotes, as serde_json writes it.
pub(super) fn write_json_string(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    out.push(b'"');
    while let Some(at) = first_special(rest) {
        let (plain, from) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((byte, after)) = from.split_first() else {
            break;
        };
        escape(out, *byte);
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Where the first byte stands that has to be escaped: one below a space, a quote, a backslash.
fn first_special(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // The high bit of each byte that is below the other's. A borrow may set it in a byte above
        // one where it is right to be set, never below: the lowest one is true.
        let below = |word: u64, bound: u8| word.wrapping_sub(EACH * u64::from(bound)) & !word;
        let is = |byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
        let found = (below(word, b' ') | is(b'"') | is(b'\\')) & (EACH << 7);
        if found != 0 {
            return Some(number * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let special = |byte: &u8| matches!(byte, 0..=0x1f | b'"' | b'\\');
    let at = rest.iter().position(special)?;
    Some(words.len() * 8 + at)
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    let letter = match byte {
        b'\n' => b'n',
        b'\t' => b't',
        b'\r' => b'r',
        0x08 => b'b',
        0x0c => b'f',
        b'"' | b'\\' => byte,
        _ => {
            let digit = |half: u8| {
                if half < 10 {
                    b'0' + half
                } else {
                    b'a' - 10 + half
                }
            };
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', letter]);
}

/// One in each byte.
const EACH: u64 = 0x0101_0101_0101_0101;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_serde_json_writes() {
        let all: String = (0..0x500_u32).filter_map(char::from_u32).collect();
        for shift in 0..20 {
            for text in [
                &"x".repeat(shift),
                &("x".repeat(shift) + &all),
                &all.repeat(2),
            ] {
                let mut written = Vec::new();
                write_json_string(&mut written, text);
                assert_eq!(
                    String::from_utf8(written).unwrap(),
                    serde_json::to_string(text).unwrap()
                );
            }
        }
    }
}
