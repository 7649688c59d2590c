//! TLS: a certificate is verified for the name that was asked for, whatever address the name led to.

use super::super::NotFetched;
use super::world::{Canary, Detour, Names, Server, expected, fetcher, image, patient, picture};
use crate::providers::Retry;

async fn fetched(certificate: &str, address: &str) -> Result<(), NotFetched> {
    let jpeg = image("scene.jpg");
    let body = jpeg.clone();
    let canary = Canary::start();
    let web = Server::secure(certificate, move |_| picture("image/jpeg", &body));
    let detour = Detour::to(&[(443, &web)], &canary);
    let fetcher = fetcher(&Names::all_public(), &detour, patient());
    let fetched = fetcher.picture(address).await?;
    assert_eq!(fetched, expected(&jpeg));
    Ok(())
}

#[tokio::test]
async fn a_certificate_for_the_name_is_accepted() {
    for address in [
        "https://secure.test/a.jpg",
        "https://SECURE.test.:443/a.jpg",
    ] {
        assert_eq!(fetched("server.der", address).await, Ok(()), "{address}");
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_of_somebody_unknown_or_of_the_past_is_refused() {
    for (certificate, address) in [
        ("server.der", "https://other.test/a.jpg"),
        ("server.der", "https://www.secure.test/a.jpg"),
        ("stranger.der", "https://secure.test/a.jpg"),
        ("expired.der", "https://secure.test/a.jpg"),
    ] {
        let refused = fetched(certificate, address).await;
        assert_eq!(
            refused,
            Err(NotFetched::Certificate),
            "{certificate} {address}"
        );
    }
    assert_eq!(NotFetched::Certificate.retry(), Retry::GiveUp);
}

#[tokio::test]
async fn a_server_without_tls_gets_nothing_to_read() {
    let canary = Canary::start();
    let web = Server::plain(|_| picture("image/jpeg", &image("scene.jpg")));
    let detour = Detour::to(&[(443, &web)], &canary);
    let hasty = super::world::hasty();
    let fetcher = fetcher(&Names::all_public(), &detour, hasty);
    let refused = fetcher.picture("https://secure.test/a.jpg").await;
    assert!(refused.is_err(), "{refused:?}");
    assert!(web.asked().is_empty());
}
