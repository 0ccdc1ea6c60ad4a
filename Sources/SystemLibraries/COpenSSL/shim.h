#ifndef COPENSSL_SHIM_H
#define COPENSSL_SHIM_H
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/time.h>

// Macros, which Swift does not import.
static inline int cossl_dtls12_only(SSL_CTX *c) {
    SSL_CTX_set_options(c, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    return SSL_CTX_set_min_proto_version(c, DTLS1_2_VERSION) == 1;
}
static inline void cossl_set_mtu(SSL *s, long octets) { SSL_set_mtu(s, octets); DTLS_set_link_mtu(s, octets); }
/// Microseconds until a retransmission is due; below 0 when none is.
static inline long cossl_timeout(SSL *s) {
    struct timeval left;
    return DTLSv1_get_timeout(s, &left) == 1 ? left.tv_sec * 1000000 + left.tv_usec : -1;
}
static inline int cossl_handle_timeout(SSL *s) { return (int)DTLSv1_handle_timeout(s); }
static inline void cossl_empty_is_retry(BIO *b) { BIO_set_mem_eof_return(b, -1); }

// The longest wait for the peer, with that of the very first one in microseconds in the SSL's application data.
static inline unsigned int cossl_wait(SSL *s, unsigned int last) {
    if (last == 0) return (unsigned int)(uintptr_t)SSL_get_app_data(s);
    if (last < 500000) return 1000000;
    return last >= 30000000 ? 60000000 : 2 * last;
}
static inline void cossl_set_first_wait(SSL *s, unsigned int microseconds) {
    SSL_set_app_data(s, (void *)(uintptr_t)microseconds);
    DTLS_set_timer_cb(s, cossl_wait);
}

/// Takes any certificate: what counts is its fingerprint, which is compared afterwards.
static inline int cossl_accept(int ok, X509_STORE_CTX *store) { (void)ok; (void)store; return 1; }
static inline void cossl_ask_for_certificate(SSL_CTX *c) {
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, cossl_accept);
}

/// Begins HMAC-SHA1 with a key; NULL on failure.
static inline EVP_MAC_CTX *cossl_hmac_sha1(const unsigned char *key, size_t octets) {
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    char digest[] = "SHA1";
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0), OSSL_PARAM_construct_end()};
    if (context && EVP_MAC_init(context, key, octets, parameters) == 1) return context;
    EVP_MAC_CTX_free(context);
    return NULL;
}
#endif
