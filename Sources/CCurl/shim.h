#pragma once
#include <curl/curl.h>

// libcurl takes options of any type after dots, which Swift does not call: a function for each type.

typedef size_t (*apus_curl_sink)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode apus_curl_start(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }

static inline CURLcode apus_curl_set_text(CURL *handle, CURLoption option, const char *text) {
    return curl_easy_setopt(handle, option, text);
}

static inline CURLcode apus_curl_set_number(CURL *handle, CURLoption option, long number) {
    return curl_easy_setopt(handle, option, number);
}

// What receives the body, or with the other two options the header.
static inline CURLcode apus_curl_set_sink(
    CURL *handle, CURLoption function, apus_curl_sink sink, CURLoption data, void *context) {
    CURLcode code = curl_easy_setopt(handle, function, sink);
    return code ? code : curl_easy_setopt(handle, data, context);
}

// Keeps requests, and where they are led, to the web.
static inline CURLcode apus_curl_set_web(CURL *handle) {
#if LIBCURL_VERSION_NUM >= 0x075500
    CURLcode code = curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    return code ? code : curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    CURLcode code = curl_easy_setopt(handle, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
    return code ? code : curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

// The status of the answer, 0 where there is none yet.
static inline long apus_curl_status(CURL *handle) {
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

// Bytes that the answer promises, -1 where it does not say.
static inline curl_off_t apus_curl_length(CURL *handle) {
    curl_off_t length = -1;
    curl_easy_getinfo(handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length;
}
