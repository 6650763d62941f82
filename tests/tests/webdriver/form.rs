//! The form's checks and the buttons' answers, in the words of Agora's sample.

use crate::{open, press, scenario};

#[test]
fn the_form_says_what_is_wrong_in_the_samples_words() {
    scenario("the form's messages", async |service| {
        let window = open(&service.url()).await;
        let filled = format!("return document.querySelector('[name=appID]').value === '{}';", channel_server::DEFAULT_APP_ID);
        window.sees("the embedded project's App ID is filled in", &filled).await;

        window.fill("[name=channel]", "form").await;
        for (button, text) in
            [("#leave", "Please Join First!"), ("#publish", "Please Join Room First"), ("#unpublish", "Please Join Room First")]
        {
            press(&window, button).await;
            window.toasts(text).await;
        }
        window.screenshot("lobby").await;
        window.fill("[name=channel]", "").await;
        press(&window, "#join").await;
        window.toasts("Please Enter channel").await;
        window.fill("[name=appID]", "").await;
        press(&window, "#join").await;
        window.toasts("Please Enter appID").await;
        window.fill("[name=channel]", "form").await;
        window.fill("[name=appID]", "nonsense").await;
        press(&window, "#join").await;
        window.toasts("client init failed, please open console see more detail").await;
        window.sees("the App ID's error", "return document.body.textContent.includes('INVALID_VENDOR_KEY');").await;
        window.screenshot("lobby-error").await;

        window.fill("[name=appID]", channel_server::DEFAULT_APP_ID).await;
        // Twice at once, and without forgetting what the first one brings.
        window.run("for (let n = 0; n < 2; n += 1) document.querySelector('#join').click();", vec![]).await;
        window.toasts("stream published success").await;
        for (button, text) in [("#join", "Your already joined"), ("#publish", "Your already published")] {
            press(&window, button).await;
            window.toasts(text).await;
        }
        press(&window, "#unpublish").await;
        window.toasts("unpublish").await;
        window.sees("it is unpublished", "return document.querySelector('#unpublish').getAttribute('aria-disabled') === 'true';").await;
        press(&window, "#unpublish").await;
        window.toasts("Your didn't publish").await;
        press(&window, "#leave").await;
        window.toasts("leave success").await;
        window.shows("#join").await;
        window.close().await;
    });
}
