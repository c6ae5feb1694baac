import pytest

from sd4match.files.masking import masked, masked_values

HIDDEN = {
    "no answer from redis://me:hunter2@host:6379": "no answer from redis://me:***@host:6379",
    "s3://a:hun@ter2/x@host/b, s3://b:hunter2@h": "s3://a:***@host/b, s3://b:***@h",
    "https://hunter2@github.com/x": "https://***@github.com/x",
    "postgresql://host/db?user=me&password=hunter2#x": "postgresql://host/db?user=me&password=***#x",
    "abfs://box/x?sv=1&sig=hunter2": "abfs://box/x?sv=1&sig=***",
    "https://h/x?X-Amz-Signature=hunter2&X-Amz-Credential=hunter2&AWSAccessKeyId=hunter2": (
        "https://h/x?X-Amz-Signature=***&X-Amz-Credential=***&AWSAccessKeyId=***"
    ),
    "https://h/#access_token=hunter2": "https://h/#access_token=***",
    "see https://hooks.slack.com/services/T0/B0/hunter2 now": (
        "see https://hooks.slack.com/services/*** now"
    ),
    "callbacks=[{api_key: hunter2, n: 1}]": "callbacks=[{api_key: ***, n: 1}]",
    '{"client_secret": "hunter2"}': '{"client_secret": "***"}',
}
PLAIN = [
    "postgresql://me:${oc.env:PASSWORD}@host/db?password=${oc.env:PASSWORD}",
    "http://localhost:8080/me@host",
    "abfs://container@account.dfs.core.windows.net/x",
    "mysql://me@host/db",
    "results?design=x&signals=3",
    "a photo of a {category}: 75 tokens, seed: 3",
    "RAY_AUTH_MODE=token, but the cluster asks for none",
]


@pytest.mark.parametrize("text", HIDDEN)
def test_no_secret_is_shown(text):
    assert masked(text) == HIDDEN[text]
    assert masked(HIDDEN[text]) == HIDDEN[text]


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_secret_stays(text):
    assert masked(text) == text


def test_values_are_masked_by_their_names_too():
    content = {
        "callbacks": [{"api_key": "hunter2", "token": "${oc.env:TOKEN}", "tokens": "75"}],
        "storage": "s3://me:hunter2@host",
        "length": 75,
    }
    assert masked_values(content) == {
        "callbacks": [{"api_key": "***", "token": "${oc.env:TOKEN}", "tokens": "75"}],
        "storage": "s3://me:***@host",
        "length": 75,
    }
