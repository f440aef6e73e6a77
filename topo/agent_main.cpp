// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sidestep-lab-agent: one command a line on standard input, one answer a line on standard output (topo/agent.hpp). It
// ends with its input, and takes its cuts and flows along; so a lab that was killed leaves none.
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>

#include "topo/agent.hpp"

int main() {
    try {
        sidestep::topo::Agent agent;
        for (std::string line; std::getline(std::cin, line);) std::cout << agent.answer(line).dump() << std::endl;
        return 0;
    } catch (const std::exception& error) {
        std::fputs(error.what(), stderr);
        return 1;
    }
}
