//! From the host of a page to the platform it belongs to (PLT-1).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A platform that people know by name (LIM-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Platform {
    /// instagram.com
    Instagram,
    /// tiktok.com
    Tiktok,
    /// facebook.com, fb.com
    Facebook,
    /// x.com, twitter.com
    Twitter,
    /// linkedin.com
    Linkedin,
    /// youtube.com
    Youtube,
    /// reddit.com
    Reddit,
    /// pinterest.com
    Pinterest,
    /// tumblr.com
    Tumblr,
}

const HOSTS: [(&str, Platform); 11] = [
    ("instagram.com", Platform::Instagram),
    ("facebook.com", Platform::Facebook),
    ("fb.com", Platform::Facebook),
    ("twitter.com", Platform::Twitter),
    ("x.com", Platform::Twitter),
    ("tiktok.com", Platform::Tiktok),
    ("linkedin.com", Platform::Linkedin),
    ("youtube.com", Platform::Youtube),
    ("reddit.com", Platform::Reddit),
    ("pinterest.com", Platform::Pinterest),
    ("tumblr.com", Platform::Tumblr),
];

impl Platform {
    /// The platform of a lower-case host name: the host itself or any name below it, nothing else.
    #[must_use]
    pub fn of_host(host: &str) -> Option<Self> {
        HOSTS
            .iter()
            .find(|(entry, _)| {
                host == *entry
                    || host
                        .strip_suffix(entry)
                        .is_some_and(|before| before.ends_with('.'))
            })
            .map(|(_, platform)| *platform)
    }

    /// The name as people write it.
    #[must_use]
    pub const fn display_name(self) -> &'static str {
        match self {
            Self::Instagram => "Instagram",
            Self::Tiktok => "TikTok",
            Self::Facebook => "Facebook",
            Self::Twitter => "X (Twitter)",
            Self::Linkedin => "LinkedIn",
            Self::Youtube => "YouTube",
            Self::Reddit => "Reddit",
            Self::Pinterest => "Pinterest",
            Self::Tumblr => "Tumblr",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_the_names_below_it_belong_to_the_platform() {
        // PLT-1
        assert_eq!(Platform::of_host("x.com"), Some(Platform::Twitter));
        assert_eq!(
            Platform::of_host("www.instagram.com"),
            Some(Platform::Instagram)
        );
        assert_eq!(Platform::of_host("m.fb.com"), Some(Platform::Facebook));
    }

    #[test]
    fn a_host_that_only_ends_alike_does_not() {
        // PLT-1, changed: a substring test mapped these to X
        for host in [
            "notx.com",
            "netflix.com",
            "max.com",
            "x.com.example.test",
            "com",
            "",
        ] {
            assert_eq!(Platform::of_host(host), None, "{host}");
        }
    }
}
