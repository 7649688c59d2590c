//! A name that changes its answer between two look-ups, and chains of redirects.

use super::super::NotFetched;
use super::world::{
    Canary, Detour, LOOPBACK, Names, PUBLIC, Server, expected, fetcher, image, patient, picture,
    redirect,
};

#[tokio::test]
async fn a_name_is_looked_up_once_and_its_second_answer_is_never_heard() {
    let canary = Canary::start();
    let jpeg = image("scene.jpg");
    let body = jpeg.clone();
    let web = Server::plain(move |_| picture("image/jpeg", &body));
    // Public when checked, loopback for whoever asks again.
    let names = Names::that(|_, before| vec![if before == 0 { PUBLIC } else { LOOPBACK }]);
    let fetcher = fetcher(&names, &Detour::to(&[(80, &web)], &canary), patient());
    let fetched = fetcher.picture("http://rebind.test/a.jpg").await;
    assert_eq!(fetched, Ok(expected(&jpeg)));
    assert_eq!(names.asked(), ["rebind.test"]);
    assert_eq!((web.asked().len(), canary.reached()), (1, 0));
}

#[tokio::test]
async fn a_name_that_flips_at_every_look_up_reaches_the_canary_never() {
    let canary = Canary::start();
    let jpeg = image("scene.jpg");
    let web = Server::plain(move |_| picture("image/jpeg", &jpeg));
    let names = Names::that(|_, before| vec![if before % 2 == 0 { LOOPBACK } else { PUBLIC }]);
    let fetcher = fetcher(&names, &Detour::to(&[(80, &web)], &canary), patient());
    for round in 1..=20 {
        let fetched = fetcher.picture("http://flip.test/a.jpg").await;
        let refused = fetched.err();
        let hostile = round % 2 == 1;
        assert_eq!(refused, hostile.then_some(NotFetched::NotPublic), "{round}");
        assert_eq!(names.asked().len(), round, "one look-up a hop");
    }
    assert_eq!((web.asked().len(), canary.reached()), (10, 0));
}

#[tokio::test]
async fn every_hop_is_looked_up_anew_also_when_it_is_the_same_name() {
    let canary = Canary::start();
    let web = Server::plain(|_| redirect("/b.jpg"));
    let names = Names::that(|_, before| vec![if before < 2 { PUBLIC } else { LOOPBACK }]);
    let fetcher = fetcher(&names, &Detour::to(&[(80, &web)], &canary), patient());
    let refused = fetcher.picture("http://rebind.test/a.jpg").await;
    assert_eq!(refused, Err(NotFetched::NotPublic));
    assert_eq!(names.asked(), ["rebind.test"; 3]);
    assert_eq!((web.asked().len(), canary.reached()), (2, 0));
}

#[tokio::test]
async fn three_redirects_are_followed_and_a_fourth_is_not() {
    let canary = Canary::start();
    let jpeg = image("scene.jpg");
    let body = jpeg.clone();
    // `/3` is three redirects away from the picture.
    let web = Server::plain(move |asked| match asked.path.as_str() {
        "/0" => picture("image/jpeg", &body),
        path => {
            let left: u32 = path[1..].parse().unwrap();
            redirect(&format!("http://hop{left}.test/{}", left - 1))
        }
    });
    let names = Names::all_public();
    let fetcher = fetcher(&names, &Detour::to(&[(80, &web)], &canary), patient());
    let three = fetcher.picture("http://start.test/3").await;
    assert_eq!(three, Ok(expected(&jpeg)));
    assert_eq!(
        names.asked(),
        ["start.test", "hop3.test", "hop2.test", "hop1.test"]
    );
    let four = fetcher.picture("http://start.test/4").await;
    assert_eq!(four, Err(NotFetched::TooManyRedirects));
    assert_eq!(web.asked().len(), 4 + 4);
}

#[tokio::test]
async fn a_circle_of_redirects_ends() {
    let canary = Canary::start();
    let web = Server::plain(|_| redirect("http://start.test/a"));
    let detour = Detour::to(&[(80, &web)], &canary);
    let fetcher = fetcher(&Names::all_public(), &detour, patient());
    let refused = fetcher.picture("http://start.test/a").await;
    assert_eq!(refused, Err(NotFetched::TooManyRedirects));
    assert_eq!(web.asked().len(), 4);
}
