// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string_view>

#include <fmt/format.h>

namespace sidestep::bench {
namespace {

std::optional<Arguments> parse(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--quick") {
            arguments.quick = true;
        } else if (argument == "--json" && i + 1 < argc) {
            arguments.json = argv[++i];
        } else {
            return std::nullopt;
        }
    }
    return arguments;
}

std::string verdict(const Row& row) {
    if (!row.bar && !row.least) return row.missed() ? "MISSED" : "";
    return fmt::format("{} {:<8.3f} {}", row.bar ? "<=" : ">=", row.bar ? *row.bar : *row.least,
                       row.missed() ? "MISSED" : "ok");
}

void print(const Row& row) {
    std::string versus;
    for (const auto& [key, value] : row.versus.items()) versus += fmt::format(" {}={}", key, value.dump());
    if (!row.flaw.empty()) versus += " (" + row.flaw + ")";
    fmt::print("{:<24} {:>10.3f} {:<8} n={:<5} {:<18}{}\n", row.key, row.value, row.unit, row.n, verdict(row), versus);
}

nlohmann::ordered_json to_json(const Row& row) {
    auto versus = row.versus;
    if (row.bar) versus["bar"] = *row.bar;
    if (row.least) versus["least"] = *row.least;
    if (!row.flaw.empty()) versus["flaw"] = row.flaw;
    return {{"key", row.key}, {"value", row.value}, {"unit", row.unit}, {"n", row.n}, {"versus", versus}};
}

bool write(const std::string& path, const std::string& name, const std::vector<Row>& rows) {
    auto document = nlohmann::ordered_json{{"bench", name}, {"rows", nlohmann::ordered_json::array()}};
    for (const auto& row : rows) document["rows"].push_back(to_json(row));
    std::ofstream file(path);
    file << document.dump(2) << '\n';
    return static_cast<bool>(file.flush());
}

}  // namespace

int run_bench(const std::string& name, int argc, char** argv,
              const std::function<std::vector<Row>(const Arguments&)>& measure, Missed missed) {
    try {
        const auto arguments = parse(argc, argv);
        if (!arguments) {
            fmt::print(stderr, "usage: bench_{} [--quick] [--json FILE]\n", name);
            return 2;
        }
        const auto rows = measure(*arguments);
        for (const auto& row : rows) print(row);
        const bool fails = missed == Missed::fails && std::ranges::any_of(rows, &Row::missed);
        if (arguments->json.empty() || write(arguments->json, name, rows)) return fails ? 1 : 0;
        fmt::print(stderr, "bench_{}: cannot write {}\n", name, arguments->json);
    } catch (const std::exception& error) {
        fmt::print(stderr, "bench_{}: {}\n", name, error.what());
    }
    return 1;
}

double rounded(double value) {
    return std::round(1e3 * value) / 1e3;
}

double quantile(std::vector<double> values, double q) {
    std::sort(values.begin(), values.end());
    const auto rank = std::ceil(q * static_cast<double>(values.size())) - 1;
    const auto index = static_cast<std::size_t>(std::max(rank, 0.0));
    return rounded(values[std::min(index, values.size() - 1)]);
}

}  // namespace sidestep::bench
