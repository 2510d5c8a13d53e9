#include "pxe/web_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"

#define DAY_SECONDS    86400L
#define CA_DAYS	       7300L
#define SERVER_DAYS    1825L
#define RENEW_DAYS     90L
#define PEM_MAX_BYTES  (64u << 10)
#define COMMON_NAME    64 /* bytes at most: RFC 5280, ub-common-name */
#define SERIAL_BITS    127
#define X509_VERSION_3 2

struct pair { /* a certificate and its key */
	X509 *certificate;
	EVP_PKEY *key;
};

static void pair_done(struct pair *pair)
{
	X509_free(pair->certificate);
	EVP_PKEY_free(pair->key);
	*pair = (struct pair){ 0 };
}

static struct pair pair_take(struct pair *pair)
{
	struct pair taken = *pair;

	*pair = (struct pair){ 0 };
	return taken;
}

static int library_err(struct err *err, const char *what)
{
	char text[256] = "unknown";
	unsigned long code = ERR_get_error();

	if (code)
		ERR_error_string_n(code, text, sizeof text);
	ERR_clear_error();
	return err_set(err, -EIO, "%s: %s (libcrypto)", what, text);
}

/* ---- making ---- */

struct extension {
	int nid;
	const char *value;
};

/* Valid since ever: a machine whose clock has no battery begins in any year. */
static bool times_set(X509 *certificate, long days)
{
	return ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "19700101000000Z") &&
	       X509_gmtime_adj(X509_getm_notAfter(certificate), days * DAY_SECONDS);
}

static bool name_set(X509 *certificate, const char *text, const X509 *issuer)
{
	X509_NAME *name = X509_get_subject_name(certificate);
	size_t length = str_cut(text, COMMON_NAME);

	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)text,
					  (int)length, -1, 0) &&
	       X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : name);
}

static bool serial_set(X509 *certificate)
{
	BIGNUM *number = BN_new();
	bool done = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
		    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));

	BN_free(number);
	return done;
}

/* extensions ends with a nid of 0. */
static bool extensions_add(X509 *certificate, X509 *issuer, const struct extension *extensions)
{
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	for (; extensions->nid; extensions++) {
		X509_EXTENSION *extension =
			X509V3_EXT_conf_nid(NULL, &context, extensions->nid, extensions->value);
		bool added = extension && X509_add_ext(certificate, extension, -1);

		X509_EXTENSION_free(extension);
		if (!added)
			return false;
	}
	return true;
}

/* by NULL: signs itself. */
static int pair_make(const char *name, long days, const struct extension *extensions,
		     const struct pair *by, struct pair *ret_pair, struct err *err)
{
	CLEANUP(pair_done) struct pair pair = { X509_new(), EVP_EC_gen("P-256") };
	X509 *c = pair.certificate;

	if (!c || !pair.key || !X509_set_version(c, X509_VERSION_3) || !serial_set(c) ||
	    !times_set(c, days) || !name_set(c, name, by ? by->certificate : NULL) ||
	    !X509_set_pubkey(c, pair.key) ||
	    !extensions_add(c, by ? by->certificate : c, extensions) ||
	    !X509_sign(c, by ? by->key : pair.key, EVP_sha256()))
		return library_err(err, "a certificate cannot be made");
	*ret_pair = pair_take(&pair);
	return 0;
}

/* ---- keeping ---- */

static int text_of(BIO *memory, int written, char **ret_text, struct err *err)
{
	char *data;
	long length = BIO_get_mem_data(memory, &data);

	if (!written || length <= 0)
		return library_err(err, "a certificate cannot be written as PEM");
	*ret_text = str_format("%.*s", (int)length, data);
	return 0;
}

static int certificate_text(X509 *certificate, char **ret_text, struct err *err)
{
	BIO *memory = BIO_new(BIO_s_mem());
	int r = text_of(memory, PEM_write_bio_X509(memory, certificate), ret_text, err);

	BIO_free(memory);
	return r;
}

static int key_text(EVP_PKEY *key, char **ret_text, struct err *err)
{
	BIO *memory = BIO_new(BIO_s_mem());
	int r = text_of(memory, PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL),
			ret_text, err);

	BIO_free(memory);
	return r;
}

/* The key first: where there is a certificate, there is its key. */
static int pair_write(const char *folder, const char *name, const struct pair *pair,
		      struct err *err)
{
	CLEANUP(free_cleanup) char *certificate_path = str_format("%s/%s.pem", folder, name);
	CLEANUP(free_cleanup) char *key_path = str_format("%s/%s.key", folder, name);
	CLEANUP(free_cleanup) char *certificate = NULL;
	CLEANUP(free_cleanup) char *key = NULL;
	int r = certificate_text(pair->certificate, &certificate, err);

	if (r == 0)
		r = key_text(pair->key, &key, err);
	if (r < 0 || !certificate || !key)
		return r;
	r = file_write(key_path, key, strlen(key), 0600, err);
	OPENSSL_cleanse(key, strlen(key));
	return r < 0 ? r
		     : file_write(certificate_path, certificate, strlen(certificate), 0644, err);
}

static int pem_read(const char *path, BIO **ret_bio, struct err *err)
{
	char *text = NULL;
	size_t length = 0;
	int r = file_read(path, PEM_MAX_BYTES, &text, &length, err);

	if (r < 0)
		return r;
	*ret_bio = BIO_new(BIO_s_secmem());
	BIO_write(*ret_bio, text, (int)length);
	OPENSSL_cleanse(text, length);
	free(text);
	return 0;
}

static void bio_cleanup(BIO **bio)
{
	BIO_free(*bio);
}

/* 1: read, 0: there is no certificate, -EBADMSG: the two are damaged, or no pair. */
static int pair_read(const char *folder, const char *name, struct pair *ret_pair, struct err *err)
{
	CLEANUP(free_cleanup) char *certificate_path = str_format("%s/%s.pem", folder, name);
	CLEANUP(free_cleanup) char *key_path = str_format("%s/%s.key", folder, name);
	CLEANUP(bio_cleanup) BIO *certificate = NULL;
	CLEANUP(bio_cleanup) BIO *key = NULL;
	CLEANUP(pair_done) struct pair pair = { 0 };

	if (!path_exists(certificate_path))
		return 0;
	int r = pem_read(certificate_path, &certificate, err);
	if (r == 0)
		r = pem_read(key_path, &key, err);
	if (r < 0)
		return r;
	/* An empty passphrase, or the library asks on the terminal. */
	pair.certificate = PEM_read_bio_X509(certificate, NULL, NULL, "");
	pair.key = PEM_read_bio_PrivateKey(key, NULL, NULL, "");
	bool sound = pair.certificate && pair.key &&
		     X509_check_private_key(pair.certificate, pair.key) == 1;
	ERR_clear_error();
	if (!sound)
		return err_set(err, -EBADMSG, "%s and %s are no certificate with its key",
			       certificate_path, key_path);
	*ret_pair = pair_take(&pair);
	return 1;
}

static bool lasts(const X509 *certificate)
{
	time_t soon = time(NULL) + RENEW_DAYS * DAY_SECONDS;

	return X509_cmp_time(X509_get0_notAfter(certificate), &soon) > 0;
}

/* ---- the lab's two ---- */

static int ca_open(const char *folder, const char *lab, struct pair *ret_ca, struct err *err)
{
	static const struct extension extensions[] = {
		{ NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
		{ NID_key_usage, "critical,keyCertSign,cRLSign" },
		{ NID_subject_key_identifier, "hash" },
		{ 0 },
	};
	CLEANUP(free_cleanup) char *name = str_format("nestctl lab %s", lab);
	CLEANUP(pair_done) struct pair ca = { 0 };
	int r = pair_read(folder, "ca", &ca, err);

	if (r < 0)
		return err_wrap(err, r,
				"the lab's certificate authority (without the folder %s a new one "
				"is made)",
				folder);
	if (r == 0 || !lasts(ca.certificate)) {
		pair_done(&ca);
		r = pair_make(name, CA_DAYS, extensions, NULL, &ca, err);
		if (r == 0)
			r = pair_write(folder, "ca", &ca, err);
		if (r < 0)
			return r;
	}
	*ret_ca = pair_take(&ca);
	return 0;
}

static bool server_is_good(const struct pair *server, const struct pair *ca, const char *address)
{
	bool good = lasts(server->certificate) &&
		    X509_check_ip_asc(server->certificate, address, 0) == 1 &&
		    X509_verify(server->certificate, ca->key) == 1;

	ERR_clear_error();
	return good;
}

static int server_open(const char *folder, const char *address, const struct pair *ca,
		       struct pair *ret_server, struct err *err)
{
	CLEANUP(free_cleanup) char *names = str_format("IP:%s", address);
	const struct extension extensions[] = {
		{ NID_basic_constraints, "critical,CA:FALSE" },
		{ NID_key_usage, "critical,digitalSignature" },
		{ NID_ext_key_usage, "serverAuth" },
		{ NID_subject_alt_name, names },
		{ NID_subject_key_identifier, "hash" },
		{ NID_authority_key_identifier, "keyid" },
		{ 0 },
	};
	CLEANUP(pair_done) struct pair server = { 0 };
	struct err problem = { 0 };
	int r = pair_read(folder, "server", &server, &problem);

	err_clear(&problem); /* it can be made again as often as need be */
	if (r <= 0 || !server_is_good(&server, ca, address)) {
		pair_done(&server);
		r = pair_make(address, SERVER_DAYS, extensions, ca, &server, err);
		if (r == 0)
			r = pair_write(folder, "server", &server, err);
		if (r < 0)
			return r;
		log_debug("a certificate for %s was made in %s", address, folder);
	}
	*ret_server = pair_take(&server);
	return 0;
}

int web_tls_open(const char *folder, const char *lab, const char *address, struct web_tls *ret_tls,
		 struct err *err)
{
	CLEANUP(pair_done) struct pair ca = { 0 };
	CLEANUP(pair_done) struct pair server = { 0 };
	struct web_tls tls = { 0 };
	int r = dir_make(folder, 0700, err);

	if (r == 0)
		r = ca_open(folder, lab, &ca, err);
	if (r == 0)
		r = server_open(folder, address, &ca, &server, err);
	if (r == 0)
		r = certificate_text(ca.certificate, &tls.ca, err);
	if (r == 0)
		r = certificate_text(server.certificate, &tls.certificate, err);
	if (r == 0)
		r = key_text(server.key, &tls.key, err);
	if (r < 0) {
		web_tls_done(&tls);
		return r;
	}
	*ret_tls = tls;
	return 0;
}

void web_tls_done(struct web_tls *tls)
{
	free(tls->ca);
	free(tls->certificate);
	if (tls->key)
		OPENSSL_cleanse(tls->key, strlen(tls->key));
	free(tls->key);
	*tls = (struct web_tls){ 0 };
}
