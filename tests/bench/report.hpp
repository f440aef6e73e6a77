// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What every benchmark has in common: its arguments, its table for people, its rows for programs.
#pragma once

#include <cmath>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace sidestep::bench {

struct Row {
    std::string key;
    double value = 0;
    std::string unit;
    std::size_t n = 0;  ///< samples behind the value
    nlohmann::ordered_json versus = nlohmann::ordered_json::object();
    std::optional<double> bar{};    ///< the value is to be at most this
    std::optional<double> least{};  ///< the value is to be at least this
    std::string flaw{};             ///< why the value does not count, however good it looks; not measured if it is NaN

    [[nodiscard]] bool missed() const {
        if (std::isnan(value) || (bar && !(value <= *bar))) return true;
        return (least && !(value >= *least)) || ((bar || least) && !flaw.empty());
    }
};

struct Arguments {
    bool quick = false;
    std::string json{};  ///< file to write the rows to; empty: none
};

/// What a missed bar does: most benchmarks only say how things are.
enum class Missed { is_told, fails };

/// main() of bench_<name>: parses [--quick] [--json FILE], measures, prints. Its exit code: 1 if it could not run, or
/// if a missed bar `fails`.
int run_bench(const std::string& name, int argc, char** argv,
              const std::function<std::vector<Row>(const Arguments&)>& measure, Missed missed = Missed::is_told);

/// To three digits behind the point: more would only look exact.
double rounded(double value);
/// q from 0 to 1; q = 0.5 is the median. `values` must not be empty.
double quantile(std::vector<double> values, double q);

}  // namespace sidestep::bench
