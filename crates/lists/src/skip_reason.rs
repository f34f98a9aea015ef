//! Why a line of a list is skipped.

use keyhole_names::list_file::PatternError;

macro_rules! skips {
    ($($(#[doc = $doc:literal])? $name:ident, $phrase:literal;)*) => {
        /// Why a line is not taken. The phrase is the key in the report.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum SkipReason { $($(#[doc = $doc])? $name),* }

        impl SkipReason {
            /// The reason as the report gives it.
            pub(crate) const fn phrase(self) -> &'static str {
                match self { $(Self::$name => $phrase),* }
            }
        }
    };
}

skips! {
    LineTooLong, "the line is longer than 4096 octets";
    NotText, "not text: control characters or broken UTF-8";
    WebPage, "a web page instead of a list: the address of the list may be wrong";
    NoName, "no name in the line";
    NotAName, "not a name";
    NameTooLong, "a label is longer than 63 octets or the name longer than 255";
    NotOneName, "more than one word where one name belongs";
    NotIdn, "letters that no internationalized name has (UTS 46)";
    PartOfLabel, "a pattern with a part of an international label: write whole labels, as xn--";
    AddressNotName, "an address, not a name";
    AnswerAddress, "matches parts of addresses in answers: write an address, or its first numbers and a star";
    NoAddress, "a line of a hosts file starts with an address";
    MachineName, "names of the machine itself";
    Word, "a word alone, which would match any part of a name: write ||word^ for a top-level domain";
    RealAddress, "gives a real address: declare a Record instead";
    Protected, "would block a name that serves Keyhole itself";
    TooBroad, "would match nearly every name";
    TooShort, "a pattern with fewer than three fixed characters";
    NeverMatches, "can match no name";
    Cosmetic, "hides parts of pages, which only a browser can do";
    Url, "speaks of a URL or a port, and DNS sees only the name";
    Client, "$client depends on who asks: use a policy for that client";
    ClientException, "an exception for some clients: what it exempts is blocked for none";
    View, "a zone for some clients only: use a policy for those clients";
    Ctag, "$ctag depends on who asks: use a policy for those clients";
    DnsRewrite, "$dnsrewrite gives another answer: declare a Record instead";
    RewriteCode, "$dnsrewrite answers with a response code that no rule of Keyhole gives";
    RewriteAllows, "$dnsrewrite in an allow list, which only allows";
    OtherModifier, "a modifier that only a browser or another program understands";
    ModifierValue, "the value of a modifier is not valid";
    ModifierTwice, "a modifier stands there twice";
    PatternInvalid, "the expression is not valid, or linear-time matching cannot do it";
    PatternTooLarge, "the expression is too large";
    PatternTooMany, "more than 10000 patterns or 1000 expressions";
    PatternTooSlow, "more than 250 patterns without three fixed characters in a row";
    OtherServer, "sends the name to another server: declare an Upstream instead";
    OtherSetting, "a setting of another program, not a name";
    NotBlocking, "a zone of a type that blocks nothing";
    Trigger, "reacts to servers or clients, not to names and addresses in answers";
    OtherAnswer, "answers with something else: declare a Record instead";
    TcpOnly, "answers over TCP alone, which Keyhole does for no name";
    TooManyLimits, "the list already says 16 different things about the name";
}

impl From<PatternError> for SkipReason {
    fn from(error: PatternError) -> Self {
        match error {
            PatternError::Invalid => Self::PatternInvalid,
            PatternError::TooLarge => Self::PatternTooLarge,
            PatternError::TooBroad => Self::TooBroad,
            PatternError::TooShort => Self::TooShort,
        }
    }
}
