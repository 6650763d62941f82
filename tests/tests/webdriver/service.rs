//! No channel service, or somebody else in its place.

use tests::{process::DeadPort, window::Window};
use tokio::{io::AsyncWriteExt, net::TcpListener};

use crate::{open, press, refused, scenario};

/// A program that answers whoever comes, and is no channel service.
async fn stranger(listener: TcpListener) {
    while let Ok((mut socket, _)) = listener.accept().await {
        // Whoever hung up at once has heard enough.
        let _ = socket.write_all(b"220 mail.example ESMTP\r\n").await;
    }
}

#[test]
fn a_stranger_on_the_services_port_is_named_until_it_goes() {
    scenario("a stranger on the port", async |_| {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address").to_string();
        let stranger = tokio::spawn(stranger(listener));
        let window = Window::open(&["--listen", &address, "--camera", "pattern", "--microphone", "tone", "--speaker", "none"]).await;
        let named = "return document.querySelector('#problems .code')?.textContent === 'PORT_TAKEN';";
        window.sees("the lobby names the stranger", named).await;
        window.screenshot("lobby-port-taken").await;
        press(&window, "#join").await;
        refused(&window, "PORT_TAKEN").await;

        stranger.abort();
        window.sees("the lobby is calm again", "return document.querySelector('#problems').childElementCount === 0;").await;
        press(&window, "#join").await;
        window.toasts("stream published success").await;
        window.close().await;
    });
}

#[test]
fn a_service_that_is_not_there_is_named_and_the_form_stays() {
    scenario("no service", async |_| {
        let nobody = DeadPort::hold();
        let window = open(&nobody.url()).await;
        press(&window, "#join").await;
        refused(&window, "SOCKET_ERROR").await;
        window.screenshot("lobby-no-service").await;
        window.close().await;
    });
}

#[test]
fn a_call_outlives_its_service() {
    scenario("the service goes and comes back", async |service| {
        let address = service.address();
        let window = open(&service.url()).await;
        press(&window, "#join").await;
        window.toasts("stream published success").await;
        service.stop().await;
        window.shows("#away").await;
        window.screenshot("call-away").await;
        let _again = tests::service::Service::start_at(address).await;
        window.sees("the banner is gone", "return document.querySelector('#away').hidden;").await;
        press(&window, "#leave").await;
        window.toasts("leave success").await;
        window.close().await;
    });
}
