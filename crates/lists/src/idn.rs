//! International names as A-labels (RFC 5890 section 2.3.2.1), for letters with one spelling.
//!
//! Scripts in which a letter may be composed in several ways, or stands for another one, need the
//! whole of Unicode normalization. Such names are rare in lists; they are left out with a reason.

/// What an A-label starts with (RFC 5890 section 2.3.1).
const PREFIX: &str = "xn--";

/// The name with each label that is not ASCII as an A-label, or none if a letter is not simple.
pub(crate) fn to_ascii(text: &str) -> Option<String> {
    let mut name = String::with_capacity(text.len() + 8);
    for (index, label) in text.split('.').enumerate() {
        if index > 0 {
            name.push('.');
        }
        if label.is_ascii() {
            name.push_str(label);
            continue;
        }
        let lower: Vec<char> = label.chars().flat_map(char::to_lowercase).collect();
        if !lower.iter().all(|&letter| is_simple(letter)) {
            return None;
        }
        name.push_str(PREFIX);
        encode(&lower, &mut name)?;
    }
    Some(name)
}

/// Whether a lower-case letter has no other spelling under Unicode normalization.
fn is_simple(letter: char) -> bool {
    match letter {
        'a'..='z' | '0'..='9' | '-' => true,
        // Latin without the ligatures, the dotted l and the letters that stand for two.
        'ß'..='ö' | 'ø'..='ÿ' => true,
        'ĳ' | 'ŀ' | 'ŉ' => false,
        'ā'..='ž' => true,
        'ά'..='ώ' => true,
        'а'..='џ' | 'ґ' => true,
        'א'..='ת' => true,
        'ء'..='غ' | 'ف'..='ي' => true,
        'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー' => true,
        '\u{4e00}'..='\u{9fff}' => true,
        '가'..='힣' => true,
        _ => false,
    }
}

const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const INITIAL_BIAS: u32 = 72;
const INITIAL_N: u32 = 128;

/// Punycode (RFC 3492 section 6.3); none if a number gets too large.
fn encode(label: &[char], out: &mut String) -> Option<()> {
    let basic: String = label.iter().filter(|letter| letter.is_ascii()).collect();
    out.push_str(&basic);
    if !basic.is_empty() {
        out.push('-');
    }
    let mut done = u32::try_from(basic.len()).ok()?;
    let total = u32::try_from(label.len()).ok()?;
    let (mut n, mut delta, mut bias, mut first) = (INITIAL_N, 0u32, INITIAL_BIAS, true);
    while done < total {
        let next = label.iter().map(|&letter| u32::from(letter)).filter(|&code| code >= n).min()?;
        delta = delta.checked_add((next - n).checked_mul(done + 1)?)?;
        n = next;
        for code in label.iter().map(|&letter| u32::from(letter)) {
            if code < n {
                delta = delta.checked_add(1)?;
            }
            if code == n {
                write_number(delta, bias, out);
                bias = adapt(delta, done + 1, first);
                (delta, first, done) = (0, false, done + 1);
            }
        }
        delta = delta.checked_add(1)?;
        n += 1;
    }
    Some(())
}

fn write_number(delta: u32, bias: u32, out: &mut String) {
    let mut rest = delta;
    let mut k = BASE;
    loop {
        let threshold = k.saturating_sub(bias).clamp(T_MIN, T_MAX);
        if rest < threshold {
            out.push(digit(rest));
            return;
        }
        out.push(digit(threshold + (rest - threshold) % (BASE - threshold)));
        rest = (rest - threshold) / (BASE - threshold);
        k += BASE;
    }
}

fn digit(value: u32) -> char {
    // `value` is below 36: letters stand for 0 to 25, digits for 26 to 35 (RFC 3492 section 5).
    char::from_digit((value + 10) % BASE, BASE).unwrap_or('a')
}

fn adapt(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / DAMP } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > (BASE - T_MIN) * T_MAX / 2 {
        delta /= BASE - T_MIN;
        k += BASE;
    }
    k + (BASE - T_MIN + 1) * delta / (delta + SKEW)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn simple_names_become_a_labels() {
        for (text, ascii) in [
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("実例.com", "xn--fsq470a.com"),
            ("실례.테스트", "xn--9n2bp8q.xn--9t4b11yi5a"),
            ("παράδειγμα.δοκιμή", "xn--hxajbheg2az3al.xn--jxalpdlp"),
            ("straße.example", "xn--strae-oqa.example"),
        ] {
            assert_eq!(to_ascii(text).as_deref(), Some(ascii), "{text}");
        }
    }

    #[test]
    fn letters_with_several_spellings_are_refused() {
        for text in ["bu\u{308}cher.example", "ａ.example", "ﬁ.example", "a\u{200d}.example"] {
            assert_eq!(to_ascii(text), None, "{text}");
        }
    }
}
