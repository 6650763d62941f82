//! The socket as a page uses it, over a real connection.

use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::StatusCode},
};

use super::*;
use crate::media::{VideoFrame, latest};

const ORIGIN_OF_PAGE: &str = "tauri://localhost";

type Page = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(url: &str, origin: Option<&str>) -> Result<Page, StatusCode> {
    let mut request = url.into_client_request().unwrap();
    if let Some(origin) = origin {
        request.headers_mut().insert(ORIGIN, origin.parse().unwrap());
    }
    match connect_async(request).await {
        Ok((page, _)) => Ok(page),
        Err(tungstenite::Error::Http(response)) => Err(response.status()),
        Err(error) => panic!("{error}"),
    }
}

async fn window() -> (Streams, Pass, Page) {
    let socket = FrameSocket::start(vec![ORIGIN_OF_PAGE.into()]).await.unwrap();
    let streams = Streams::default();
    let pass = socket.admit(streams.clone());
    let page = connect(&pass.url(), Some(ORIGIN_OF_PAGE)).await.unwrap();
    (streams, pass, page)
}

async fn say(page: &mut Page, text: &str) {
    page.send(Message::text(text)).await.unwrap();
}

/// The next picture's tile, sequence and first luma sample.
async fn picture(page: &mut Page) -> (u32, u32, u8) {
    let Some(Ok(Message::Binary(bytes))) = page.next().await else { panic!("a picture comes") };
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    (word(0), word(12), bytes[crate::frames::picture::HEADER])
}

fn grey(luma: u8) -> VideoFrame {
    let mut data = vec![128; 64 * 32 * 3 / 2];
    data[..64 * 32].fill(luma);
    VideoFrame::new(64, 32, Instant::now(), data).unwrap()
}

#[tokio::test]
async fn a_tile_shows_its_stream_and_waits_for_credit() {
    let (streams, _pass, mut page) = window().await;
    let (writer, reader) = latest::slot();
    streams.put("local", reader);
    writer.set(grey(50));
    say(&mut page, r#"{"tile":3,"stream":"local","width":32,"height":16,"format":"i420"}"#).await;
    assert_eq!(picture(&mut page).await, (3, 0, 50));
    writer.set(grey(60));
    writer.set(grey(70));
    say(&mut page, r#"{"credit":3}"#).await;
    assert_eq!(picture(&mut page).await, (3, 1, 70), "60 came without credit and is gone");
}

#[tokio::test]
async fn a_stream_may_come_after_its_tile_and_come_again() {
    let (streams, _pass, mut page) = window().await;
    say(&mut page, r#"{"tile":0,"stream":"7","width":32,"height":16}"#).await;
    let (writer, reader) = latest::slot();
    streams.put("7", reader);
    writer.set(grey(40));
    assert_eq!(picture(&mut page).await, (0, 0, 40));
    drop(writer);
    let (writer, reader) = latest::slot();
    streams.put("7", reader);
    writer.set(grey(41));
    say(&mut page, r#"{"credit":0}"#).await;
    assert_eq!(picture(&mut page).await, (0, 1, 41));
}

#[tokio::test]
async fn a_tile_that_is_given_another_stream_before_its_first_picture_shows_that_one() {
    let (streams, _pass, mut page) = window().await;
    let ((older, old_frames), (_newer, new_frames)) = (latest::slot(), latest::slot());
    streams.put("7", old_frames);
    streams.put("8", new_frames);
    older.set(grey(60));
    say(&mut page, r#"{"tile":0,"stream":"8","width":32,"height":16}"#).await;
    // Once another tile's thread has made a picture, this one's has most likely begun to wait.
    say(&mut page, r#"{"tile":1,"stream":"7","width":32,"height":16}"#).await;
    assert_eq!(picture(&mut page).await, (1, 0, 60));
    say(&mut page, r#"{"tile":0,"stream":"7","width":32,"height":16}"#).await;
    assert_eq!(picture(&mut page).await, (0, 0, 60));
}

#[tokio::test]
async fn a_still_picture_follows_its_tiles_size() {
    let (streams, _pass, mut page) = window().await;
    let (writer, reader) = latest::slot();
    streams.put("local", reader);
    writer.set(grey(50));
    say(&mut page, r#"{"tile":1,"stream":"local","width":32,"height":16}"#).await;
    picture(&mut page).await;
    say(&mut page, r#"{"tile":1,"stream":"local","width":64,"height":32}"#).await;
    say(&mut page, r#"{"credit":1}"#).await;
    let Some(Ok(Message::Binary(bytes))) = page.next().await else { panic!("a picture comes") };
    assert_eq!(bytes[4..8], [64, 0, 32, 0]);
}

#[tokio::test]
async fn nonsense_is_ignored_and_the_connection_goes_on() {
    let (streams, _pass, mut page) = window().await;
    let (writer, reader) = latest::slot();
    streams.put("local", reader);
    writer.set(grey(50));
    for text in ["", "{", r#"{"credit":9}"#, r#"{"tile":64,"stream":"local","width":1,"height":1}"#] {
        say(&mut page, text).await;
    }
    say(&mut page, r#"{"tile":2,"stream":"local","width":32,"height":16}"#).await;
    assert_eq!(picture(&mut page).await, (2, 0, 50));
}

#[tokio::test]
async fn an_oversized_message_ends_the_connection() {
    let (_streams, _pass, mut page) = window().await;
    say(&mut page, &"x".repeat(MAX_MESSAGE + 1)).await;
    assert!(!matches!(page.next().await, Some(Ok(Message::Binary(_) | Message::Text(_)))));
}

#[tokio::test]
async fn only_this_apps_pages_get_in() {
    let socket = FrameSocket::start(vec![ORIGIN_OF_PAGE.into()]).await.unwrap();
    let pass = socket.admit(Streams::default());
    let url = pass.url();
    for stranger in [None, Some("http://localhost"), Some("https://example.org"), Some("tauri://localhost.example.org")] {
        assert_eq!(connect(&url, stranger).await.err(), Some(StatusCode::FORBIDDEN), "{stranger:?}");
    }
    let guess = url.replace(url.rsplit('/').next().unwrap(), &"0".repeat(32));
    assert_eq!(connect(&guess, Some(ORIGIN_OF_PAGE)).await.err(), Some(StatusCode::NOT_FOUND));
    drop(pass);
    assert_eq!(connect(&url, Some(ORIGIN_OF_PAGE)).await.err(), Some(StatusCode::NOT_FOUND));
}
