//! What the service says about itself.

use serde_json::{Value, json};

/// That it is up. The version is ours; the name is what clients of the protocol look for.
pub(super) fn health() -> Value {
    json!({
        "version": concat!("vara-identity-", env!("CARGO_PKG_VERSION")),
        "name": "GoTrue",
        "description": "The embedded identity service of Vara",
    })
}

/// What may be done here: sign up with an e-mail address, confirmed at once, and nothing else.
pub(super) fn settings() -> Value {
    json!({
        "external": { "email": true, "phone": false, "anonymous_users": false },
        "disable_signup": false,
        "mailer_autoconfirm": true,
        "phone_autoconfirm": false,
        "sms_provider": "",
        "saml_enabled": false,
        "mfa_enabled": false,
    })
}
