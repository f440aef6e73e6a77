// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Addresses and prefixes: what is accepted, what is refused, and how they print.
#include "common/address.hpp"

#include <gtest/gtest.h>

namespace sidestep {
namespace {

TEST(Address, ParsesAndPrintsBothFamilies) {
    for (const char* text : {"2001:db8::1", "::", "fe80::1", "192.0.2.1"}) {
        const auto address = Address::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->to_string(), text);
    }
    EXPECT_TRUE(Address::parse("192.0.2.1")->is_v4());
    EXPECT_FALSE(Address::parse("::1")->is_v4());
}

TEST(Address, RefusesWhatIsNoAddress) {
    for (const char* text : {"", "2001:db8::g", "1.2.3", "fe80::1%eth0", "2001:db8::1/64"}) {
        EXPECT_FALSE(Address::parse(text)) << text;
    }
    EXPECT_FALSE(Address::parse(std::string_view("fd00::1\0x", 9)));
    EXPECT_FALSE(Address::parse(std::string(100, '1')));
}

TEST(Address, KnowsItsScope) {
    EXPECT_TRUE(Address::parse("fe80::1")->is_link_local());
    EXPECT_FALSE(Address::parse("fec0::1")->is_link_local());
    EXPECT_TRUE(Address::parse("ff02::1")->is_multicast());
    EXPECT_TRUE(Address::parse("::")->is_unspecified());
}

TEST(Prefix, ParsesAndPrintsBothFamilies) {
    for (const char* text : {"2001:db8::/48", "::/0", "10.0.0.0/8", "192.0.2.1/32", "0.0.0.0/0"}) {
        const auto prefix = Prefix::parse(text);
        ASSERT_TRUE(prefix) << text;
        EXPECT_EQ(prefix->to_string(), text);
    }
    EXPECT_EQ(Prefix::parse("2001:db8::1")->length, 128);
    EXPECT_EQ(Prefix::parse("10.0.0.0/8")->length, 104);
}

TEST(Prefix, RefusesHostBitsAndBadLengths) {
    for (const char* text : {"2001:db8::1/48", "::/129", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "/8", "::/-1"}) {
        EXPECT_FALSE(Prefix::parse(text)) << text;
    }
}

TEST(Prefix, CoversByClearingHostBits) {
    const auto address = *Address::parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    EXPECT_EQ(Prefix::covering(address, 0).to_string(), "::/0");
    EXPECT_EQ(Prefix::covering(address, 13).to_string(), "fff8::/13");
    EXPECT_EQ(Prefix::covering(address, 16).to_string(), "ffff::/16");
    EXPECT_EQ(Prefix::covering(address, 127).address.bytes[15], 0xfe);
    EXPECT_EQ(Prefix::covering(address, 128).address, address);
}

TEST(Prefix, Contains) {
    const auto prefix = *Prefix::parse("2001:db8::/33");
    EXPECT_TRUE(prefix.contains(*Address::parse("2001:db8:7fff::1")));
    EXPECT_FALSE(prefix.contains(*Address::parse("2001:db8:8000::1")));
    EXPECT_TRUE(prefix.contains(*Prefix::parse("2001:db8::/48")));
    EXPECT_FALSE(prefix.contains(*Prefix::parse("2001:db8::/32")));
}

}  // namespace
}  // namespace sidestep
