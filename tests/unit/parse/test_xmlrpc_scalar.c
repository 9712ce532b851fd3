// SPDX-License-Identifier: MIT
/* rpc_xmlrpc_scalar: what is a value of each type, and what is left of its text. */
#include "parse/xmlrpc_scalar.h"
#include "unit.h"

/* Checks one value, on memory that ends where it ends; out is NULL when it must be refused. */
static void check(const char *name, const char *text, const char *out) {
    enum rpc_xmlrpc_type type;
    size_t len = strlen(text);
    struct guarded g = guarded_copy(text, len);
    ck_assert(rpc_xmlrpc_type(name, &type));
    bool good = rpc_xmlrpc_scalar(type, g.data, &len);
    ck_assert_msg(good == (out != NULL), "<%s>%s", name, text);
    if (good) {
        ck_assert_msg(len == strlen(out), "<%s>%s", name, text);
        ck_assert_msg(!memcmp(g.data, out, len), "<%s>%s", name, text);
    }
    guarded_free(&g);
}

/* Values of one type, up to a NULL: taken as they are, or refused. */
static void check_all(const char *name, bool good, const char *const *texts) {
    for (; *texts; texts++)
        check(name, *texts, good ? *texts : NULL);
}

#define GOOD(name, ...) check_all(name, true, (const char *const[]){__VA_ARGS__, NULL})
#define BAD(name, ...) check_all(name, false, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(test_xmlrpc_scalar_names) {
    static const char *const types[] = {
        "string", "int",     "i1",         "i2",      "i4",
        "i8",     "boolean", "double",     "nil",     "dateTime.iso8601",
        "base64", "float",   "bigdecimal", "dateTime"};
    static const char *const others[] = {"",  "strin", "strings", "String",
                                         "i", "i16",   "array",   "struct"};
    enum rpc_xmlrpc_type type;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        ck_assert_msg(rpc_xmlrpc_type(types[i], &type), "%s", types[i]);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_msg(!rpc_xmlrpc_type(others[i], &type), "%s", others[i]);
}
END_TEST

START_TEST(test_xmlrpc_scalar_string) {
    GOOD("string", "", " ", "\n a \t", "<&>");
}
END_TEST

START_TEST(test_xmlrpc_scalar_int) {
    GOOD("int", "0", "-0", "+7", "007", "2147483648", "9223372036854775806", "9223372036854775807",
         "-9223372036854775808", "00000000000000000000000000001");
    BAD("int", "", " ", "-", "+", "+-1", "1-", "1.0", "1e3", "0x10", "1 2", "1,000", "x",
        "9223372036854775808", "-9223372036854775809", "+9223372036854775808",
        "10000000000000000000", "0009223372036854775808");
    check("i4", " 1", "1");
    check("i8", "\r\n\t-1 \n", "-1");
}
END_TEST

START_TEST(test_xmlrpc_scalar_boolean) {
    GOOD("boolean", "0", "1");
    BAD("boolean", "", "2", "00", "01", "True", "tru", "falsey", "-1");
    check("boolean", "true", "1");
    check("boolean", " false ", "0");
    check("boolean", "\n1\n", "1");
}
END_TEST

START_TEST(test_xmlrpc_scalar_double) {
    GOOD("double", "0", "-3.14", "+1.", ".5", "1e10", "1E-10", "-1.5e+300", "nan", "-inf", "INF",
         "Infinity", "NaN");
    BAD("double", "", ".", "-", "e5", "1e", "1e+", "1.2.3", "1,5", "0x1p3", "1 2", "infinit", "in",
        "infinity2", "--1");
    check("double", " 2.5 ", "2.5");
}
END_TEST

START_TEST(test_xmlrpc_scalar_datetime) {
    GOOD("dateTime.iso8601", "19980717T14:08:55", "1998-07-17T14:08:55", "19980717T140855",
         "19980717T14:08:55Z", "19980717T14:08:55.123", "19980717T14:08:55,5+0200",
         "19980717T14:08:55-02:00", "19980717T14:08:55+02", "00000000T00:00:00",
         "20161231T23:59:60", "20161231T24:00:00");
    BAD("dateTime.iso8601", "", "now", "19980717", "19980717 14:08:55", "1998717T14:08:55",
        "19980717T14:08", "19980717T14:08:5", "19981317T14:08:55", "19980732T14:08:55",
        "19980717T25:08:55", "19980717T14:60:55", "19980717T14:08:61", "19980717T14:08:55.",
        "19980717T14:08:55ZZ", "19980717T14:08:55+", "19980717T14:08:55+24:00",
        "19980717T14:08:55+02:60", "19980717T14:08:55+2", "19980717T14:08:55Z+02:00",
        "-19980717T14:08:55");
    check("dateTime.iso8601", " 19980717T14:08:55\n", "19980717T14:08:55");
}
END_TEST

START_TEST(test_xmlrpc_scalar_base64) {
    check("base64", "", "");
    check("base64", "SGVs\n bG8=\n", "Hello");
    check("base64", "SGVsbG8", "Hello");
    BAD("base64", "SGVsbG8*", "S", "SGVsbG8==", "=");
}
END_TEST

START_TEST(test_xmlrpc_scalar_nil) {
    check("nil", "", "");
    check("nil", " \n", "");
    BAD("nil", "0", " nil ");
}
END_TEST

START_TEST(test_xmlrpc_scalar_space) {
    ck_assert(rpc_xmlrpc_is_space("", 0));
    ck_assert(rpc_xmlrpc_is_space(" \t\r\n", 4));
    ck_assert(!rpc_xmlrpc_is_space(" \v ", 3));
    ck_assert(!rpc_xmlrpc_is_space("x  ", 3));
    ck_assert(!rpc_xmlrpc_is_space("\0", 1));
}
END_TEST

UNIT_MAIN("xmlrpc_scalar", test_xmlrpc_scalar_names, test_xmlrpc_scalar_string,
          test_xmlrpc_scalar_int, test_xmlrpc_scalar_boolean, test_xmlrpc_scalar_double,
          test_xmlrpc_scalar_datetime, test_xmlrpc_scalar_base64, test_xmlrpc_scalar_nil,
          test_xmlrpc_scalar_space)
