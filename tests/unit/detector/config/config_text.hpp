// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Configurations for tests: a good one in parts, and the complaints about bad ones.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detector/config/config_file.hpp"

namespace sidestep {

/// A good configuration in parts, so that a test can replace one of them. Each part starts on a line of its own: node
/// 1, clock 2, probe 3, adjacencies 4 (items on 5 and 6), policies 7 (item on 8), ingress 9, more from 10 on.
struct Parts {
    std::string node = R"(node: {name: A, source-address: "fd00:a::1"})";
    std::string clock = "clock: auto";
    std::string probe = "probe: {interval: 2ms, turnaround: forward}";
    std::string first = R"(- {name: A-B, interface: to-B, neighbor: "fe80::b", probe: {return-address: "fd00:ab::1"}})";
    std::string second =
        R"(- {name: A-C, interface: to-C, neighbor: "fd00:ac::2", probe: {return-address: "fd00:ac::1"}})";
    std::string policy = R"(- {name: to-D, prefixes: ["2001:db8:d::/48"], candidates: [{adjacency: A-B}]})";
    std::string ingress = "ingress: [to-S, to-B]";
    std::string more{};

    [[nodiscard]] std::string text() const {
        return node + "\n" + clock + "\n" + probe + "\nadjacencies:\n" + first + "\n" + second + "\npolicies:\n" +
               policy + "\n" + ingress + "\n" + more + "\n";
    }
};

inline std::vector<std::string> complaints_about(const std::string& text, const InterfaceExists& exists = {}) {
    Complaints complaints{.file = "f", .list = {}};
    const auto config = read_config(text, complaints, exists);
    EXPECT_EQ(config.has_value(), complaints.empty());
    std::vector<std::string> lines;
    for (const auto& complaint : complaints.list) lines.push_back(complaint.to_string());
    return lines;
}

inline Config read_good(const std::string& text) {
    Complaints complaints{.file = "f", .list = {}};
    auto config = read_config(text, complaints);
    EXPECT_EQ(complaints.to_string(), "");
    return config.value_or(Config{});
}

inline Address address(const char* text) {
    return Address::parse(text).value();
}

inline std::string adjacency_with_probe(const std::string& probe) {
    return R"(- {name: A-B, interface: to-B, neighbor: "fe80::b", probe: )" + probe + "}";
}

inline std::string policy_with_candidates(const std::string& candidates) {
    return "- {name: to-D, prefixes: [], candidates: " + candidates + "}";
}

/// A bad configuration: the name of the test case, the change to the good one, and the complaints.
struct BadCase {
    const char* name;
    std::function<void(Parts&)> change;
    std::vector<std::string> complaints;
};

inline void PrintTo(const BadCase& bad, std::ostream* out) {
    *out << bad.name;
}

inline std::string name_of(const testing::TestParamInfo<BadCase>& info) {
    return info.param.name;
}

/// Checks that the complaints are those of the case, with line, column, field and reason.
inline void expect_complaints(const BadCase& bad) {
    Parts parts;
    bad.change(parts);
    EXPECT_THAT(complaints_about(parts.text()), testing::ElementsAreArray(bad.complaints));
}

}  // namespace sidestep
