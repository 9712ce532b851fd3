// SPDX-License-Identifier: MIT
/* rpc_access: which texts are address ranges, which peers are inside, and globs. */
#include "parse/access.h"
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Whether a peer with this address, IPv6 if it has a colon, is inside the range. */
static bool inside(const char *range, const char *address) {
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct rpc_cidr cidr;

    ck_assert_msg(rpc_cidr_parse(range, &cidr), "%s", range);
    if (strchr(address, ':')) {
        ck_assert_int_eq(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
        return rpc_cidr_match(&cidr, (const struct sockaddr *)&in6);
    }
    ck_assert_int_eq(inet_pton(AF_INET, address, &in.sin_addr), 1);
    return rpc_cidr_match(&cidr, (const struct sockaddr *)&in);
}

static const struct {
    const char *range, *first, *last, *before, *after;
} ranges[] = {
    {"10.0.0.0/8", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"},
    {"192.168.1.7", "192.168.1.7", "192.168.1.7", "192.168.1.6", "192.168.1.8"},
    {"192.168.1.7/32", "192.168.1.7", "192.168.1.7", "192.168.1.6", "192.168.1.8"},
    {"192.168.1.6/31", "192.168.1.6", "192.168.1.7", "192.168.1.5", "192.168.1.8"},
    {"192.168.1.99/25", "192.168.1.0", "192.168.1.127", "192.168.0.255", "192.168.1.128"},
    {"172.16.0.0/12", "172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"},
    {"128.0.0.0/1", "128.0.0.0", "255.255.255.255", "127.255.255.255", "0.0.0.0"},
    {"::1", "::1", "::1", "::", "::2"},
    {"2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
     "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"},
    {"fe80::/10", "fe80::", "febf:ffff::1", "fe7f:ffff::", "fec0::"},
    {"2001:db8::8/127", "2001:db8::8", "2001:db8::9", "2001:db8::7", "2001:db8::a"},
    {"2001:db8::7/128", "2001:db8::7", "2001:db8::7", "2001:db8::6", "2001:db8::8"},
};

START_TEST(test_access_range_ends) {
    for (size_t i = 0; i < COUNT(ranges); i++) {
        ck_assert_msg(inside(ranges[i].range, ranges[i].first), "%s", ranges[i].range);
        ck_assert_msg(inside(ranges[i].range, ranges[i].last), "%s", ranges[i].range);
        ck_assert_msg(!inside(ranges[i].range, ranges[i].before), "%s", ranges[i].range);
        ck_assert_msg(!inside(ranges[i].range, ranges[i].after), "%s", ranges[i].range);
    }
}
END_TEST

/* Every prefix length: the last address inside and the first one outside differ in one bit. */
START_TEST(test_access_every_prefix_length) {
    for (unsigned bits = 0; bits <= 32; bits++) {
        char range[32];
        uint32_t base = 0xc0a80a05, flipped = bits ? base ^ (1u << (32 - bits)) : base;
        struct rpc_cidr cidr;
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(flipped)};

        snprintf(range, sizeof(range), "192.168.10.5/%u", bits);
        ck_assert(rpc_cidr_parse(range, &cidr));
        ck_assert_int_eq(rpc_cidr_match(&cidr, (struct sockaddr *)&in), bits == 0);
        in.sin_addr.s_addr = htonl(bits < 32 ? base ^ (1u << (31 - bits)) : base);
        ck_assert(rpc_cidr_match(&cidr, (struct sockaddr *)&in));
    }
    for (unsigned bits = 1; bits <= 128; bits++) {
        char range[32];
        struct rpc_cidr cidr;
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

        snprintf(range, sizeof(range), "2001:db8::5/%u", bits);
        ck_assert(rpc_cidr_parse(range, &cidr));
        inet_pton(AF_INET6, "2001:db8::5", &in6.sin6_addr);
        in6.sin6_addr.s6_addr[(bits - 1) / 8] ^= (uint8_t)(0x80 >> (bits - 1) % 8);
        ck_assert(!rpc_cidr_match(&cidr, (struct sockaddr *)&in6));
        in6.sin6_addr.s6_addr[(bits - 1) / 8] ^= (uint8_t)(0x80 >> (bits - 1) % 8);
        ck_assert(rpc_cidr_match(&cidr, (struct sockaddr *)&in6));
    }
}
END_TEST

START_TEST(test_access_families_stay_apart) {
    ck_assert(inside("0.0.0.0/0", "255.255.255.255"));
    ck_assert(inside("::/0", "2001:db8::1"));
    ck_assert(!inside("0.0.0.0/0", "::1"));
    ck_assert(!inside("0.0.0.0/0", "::"));
    ck_assert(!inside("::/0", "127.0.0.1"));
    ck_assert(!inside("::/96", "0.0.0.1"));
}
END_TEST

START_TEST(test_access_mapped_addresses_are_ipv4) {
    ck_assert(inside("127.0.0.0/8", "::ffff:127.0.0.1"));
    ck_assert(!inside("127.0.0.0/8", "::ffff:128.0.0.1"));
    ck_assert(inside("::ffff:127.0.0.1", "127.0.0.1"));
    ck_assert(inside("::ffff:127.0.0.0/104", "127.255.0.1"));
    ck_assert(inside("::ffff:127.0.0.0/104", "::ffff:127.255.0.1"));
    ck_assert(!inside("::ffff:127.0.0.0/104", "128.0.0.1"));
    ck_assert(inside("::ffff:0.0.0.0/96", "1.2.3.4"));
    ck_assert(!inside("::ffff:0.0.0.0/96", "::1.2.3.4"));
}
END_TEST

START_TEST(test_access_other_families_are_outside) {
    struct rpc_cidr v4, v6;
    struct sockaddr_storage peer = {.ss_family = AF_UNIX};
    ck_assert(rpc_cidr_parse("0.0.0.0/0", &v4) && rpc_cidr_parse("::/0", &v6));
    ck_assert(!rpc_cidr_match(&v4, (struct sockaddr *)&peer));
    ck_assert(!rpc_cidr_match(&v6, (struct sockaddr *)&peer));
    peer.ss_family = AF_UNSPEC;
    ck_assert(!rpc_cidr_match(&v4, (struct sockaddr *)&peer));
}
END_TEST

static const char *const malformed[] = {
    "",
    " ",
    "/",
    "/8",
    "10",
    "10.0.0",
    "10.0.0.0.0",
    "256.0.0.1",
    "10.0.0.1 ",
    " 10.0.0.1",
    "10.0.0.0/",
    "10.0.0.0/33",
    "1.2.3.4/-1",
    "1.2.3.4/+8",
    "1.2.3.4/ 8",
    "1.2.3.4/8 ",
    "1.2.3.4/8/8",
    "1.2.3.4/0x8",
    "1.2.3.4/8a",
    "1.2.3.4/256",
    "1.2.3.4/1000",
    "1.2.3.4/264",
    "1.2.3.4//8",
    "localhost",
    "01.2.3.4.5",
    ":",
    ":::",
    "1::2::3",
    "::1/129",
    "::1/",
    "[::1]",
    "fe80::1%lo",
    "::1/1280",
    "g::",
    "::ffff:1.2.3",
    "1.2.3.4:80",
};

START_TEST(test_access_malformed_ranges) {
    struct rpc_cidr cidr;
    char long_text[1000];

    for (size_t i = 0; i < COUNT(malformed); i++) {
        struct guarded g = guarded_copy(malformed[i], strlen(malformed[i]) + 1);
        ck_assert_msg(!rpc_cidr_parse(g.data, &cidr), "\"%s\"", malformed[i]);
        guarded_free(&g);
    }
    memset(long_text, '1', sizeof(long_text));
    for (size_t len = 40; len < sizeof(long_text); len += 7) {
        long_text[len] = 0;
        ck_assert(!rpc_cidr_parse(long_text, &cidr));
        long_text[len] = '1';
    }
}
END_TEST

/* The longest text of an address, and of one with a prefix. */
START_TEST(test_access_longest_ranges) {
    ck_assert(inside("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128",
                     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
    ck_assert(inside("255.255.255.255/032", "255.255.255.255"));
}
END_TEST

static bool matches(const char *name, size_t count, const char **glob) {
    const struct rpc_globs globs = {glob, count};
    return rpc_globs_match(&globs, name);
}

START_TEST(test_access_globs) {
    static const struct {
        const char *glob, *name;
        bool match;
    } cases[] = {
        {"hello", "hello", true},
        {"hello", "hell", false},
        {"hello", "hello2", false},
        {"hello", "Hello", false},
        {"*", "anything", true},
        {"*", "", true},
        {"h*", "hello", true},
        {"h*", "shell", false},
        {"*llo", "hello", true},
        {"he?lo", "hello", true},
        {"he?lo", "helo", false},
        {"[hj]ello", "jello", true},
        {"[hj]ello", "cello", false},
        {"[!h]*", "hello", false},
        {"[a-c]*", "bravo", true},
        {"a.*", "a.b.c", true},
        {"a.*", "ab", false},
        {"a\\*", "a*", true},
        {"a\\*", "ab", false},
        {"", "", true},
        {"", "a", false},
        {"*", "with/slash", true},
        {"*", ".hidden", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *glob = cases[i].glob;
        ck_assert_msg(matches(cases[i].name, 1, &glob) == cases[i].match, "%s %s", glob,
                      cases[i].name);
    }
}
END_TEST

START_TEST(test_access_one_glob_of_several) {
    const char *globs[] = {"hello", "user.*", "x?"};
    ck_assert(matches("hello", 3, globs));
    ck_assert(matches("user.get", 3, globs));
    ck_assert(matches("xy", 3, globs));
    ck_assert(!matches("hell", 3, globs));
    ck_assert(!matches("xy", 2, globs));
    ck_assert(matches("anything", 0, NULL));
}
END_TEST

START_TEST(test_access_lists_of_ranges) {
    struct rpc_cidr ranges_of_two[2];
    struct rpc_cidrs none = {NULL, 0}, two = {ranges_of_two, 2};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001)};
    const struct sockaddr *peer = (const struct sockaddr *)&in;

    ck_assert(rpc_cidr_parse("127.0.0.1", &ranges_of_two[0]));
    ck_assert(rpc_cidr_parse("10.0.0.0/30", &ranges_of_two[1]));
    ck_assert(!rpc_cidrs_match(&none, peer));
    ck_assert(rpc_cidrs_match(&two, peer));
    in.sin_addr.s_addr = htonl(0x0a000004);
    ck_assert(!rpc_cidrs_match(&two, peer));
}
END_TEST

START_TEST(test_access_globs_that_make_sense) {
    static const char *const valid[] = {
        "*",        "a",        "!",     "a?c",  "[ab]",    "[!ab]*",
        "[]]",      "[!]]",     "[^]a]", "a\\*", "[\\]]",   "[[:alpha:]]x",
        "[[.-.]a]", "[[=a=]b]", "a]",    "[[]",  "a.b-c_d", "\xc3\xa9*"};
    static const char *const invalid[] = {"",       " ",   "a b",   "a\tb",  "a\n",
                                          "[",      "a[",  "[]",    "[!]",   "[abc",
                                          "[abc\\", "a\\", "[[:x]", "[[:x:", "[a]["};

    for (size_t i = 0; i < COUNT(valid); i++)
        ck_assert_msg(rpc_glob_is_valid(valid[i]), "%s", valid[i]);
    for (size_t i = 0; i < COUNT(invalid); i++)
        ck_assert_msg(!rpc_glob_is_valid(invalid[i]), "%s", invalid[i]);
}
END_TEST

UNIT_MAIN("access", test_access_range_ends, test_access_every_prefix_length,
          test_access_families_stay_apart, test_access_mapped_addresses_are_ipv4,
          test_access_other_families_are_outside, test_access_malformed_ranges,
          test_access_longest_ranges, test_access_globs, test_access_one_glob_of_several,
          test_access_lists_of_ranges, test_access_globs_that_make_sense)
