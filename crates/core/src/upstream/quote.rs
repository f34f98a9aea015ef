//! Text from outside, for people.

/// The most characters of what an upstream sent that an error quotes.
const MAX_QUOTE: usize = 100;

/// What an upstream sent, made fit for a log: printable and short.
pub(super) fn quote(text: &str) -> String {
    let printable = |letter: char| if letter.is_ascii_graphic() { letter } else { ' ' };
    text.chars().map(printable).take(MAX_QUOTE).collect()
}
