// SPDX-License-Identifier: MIT
/* rpc_number: which texts are numbers and sizes, and where they end. */
#include "parse/number.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct {
    const char *text;
    uint64_t value;
} numbers[] =
    {
        {"0", 0},
        {"7", 7},
        {"007", 7},
        {"4294967296", 4294967296u},
        {"18446744073709551615", UINT64_MAX},
        {"00000000000000000000000000000001", 1},
},
  sizes[] = {
      {"1K", 1024},
      {"1k", 1024},
      {"16M", 16u << 20},
      {"3m", 3u << 20},
      {"2G", 2ull << 30},
      {"2g", 2ull << 30},
      {"0K", 0},
      {"18014398509481983K", UINT64_MAX - 1023},
      {"17592186044415M", UINT64_MAX - 0xfffff},
      {"17179869183G", UINT64_MAX - 0x3fffffff},
};

static const char *const no_number[] =
    {
        "",
        " ",
        "-",
        "+",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1.0",
        "1e3",
        "0x10",
        "1,000",
        "abc",
        "1a",
        "\xb1",
        "18446744073709551616",
        "99999999999999999999",
        "111111111111111111111111111111",
},
                         *const no_size[] = {
                             "K",
                             "k",
                             "KM",
                             "1KM",
                             "1KB",
                             "1T",
                             "1 K",
                             "1K ",
                             "-1K",
                             "1.5G",
                             "M1",
                             "1\xcb",
                             "18014398509481984K",
                             "17592186044416M",
                             "17179869184G",
                             "18446744073709551615K",
};

START_TEST(test_number_read) {
    for (size_t i = 0; i < COUNT(numbers); i++) {
        size_t len = strlen(numbers[i].text);
        struct guarded text = guarded_copy(numbers[i].text, len);
        uint64_t value;
        ck_assert_msg(rpc_number_read(text.data, len, &value), "%s", numbers[i].text);
        ck_assert_uint_eq(value, numbers[i].value);
        guarded_free(&text);
    }
}
END_TEST

START_TEST(test_number_refuse) {
    for (size_t i = 0; i < COUNT(no_number); i++) {
        uint64_t value;
        ck_assert_msg(!rpc_number_read(no_number[i], strlen(no_number[i]), &value), "%s",
                      no_number[i]);
        ck_assert_msg(!rpc_size_read(no_number[i], &value), "%s", no_number[i]);
    }
    for (size_t i = 0; i < COUNT(no_size); i++) {
        uint64_t value;
        ck_assert_msg(!rpc_size_read(no_size[i], &value), "%s", no_size[i]);
        ck_assert_msg(!rpc_number_read(no_size[i], strlen(no_size[i]), &value), "%s", no_size[i]);
    }
}
END_TEST

START_TEST(test_number_size) {
    uint64_t value;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        ck_assert_msg(rpc_size_read(numbers[i].text, &value), "%s", numbers[i].text);
        ck_assert_uint_eq(value, numbers[i].value);
    }
    for (size_t i = 0; i < COUNT(sizes); i++) {
        ck_assert_msg(rpc_size_read(sizes[i].text, &value), "%s", sizes[i].text);
        ck_assert_uint_eq(value, sizes[i].value);
    }
}
END_TEST

UNIT_MAIN("number", test_number_read, test_number_refuse, test_number_size)
