import type { Command } from "commander";
import type { CommandIo, ExitCode } from "../command-io.ts";
import type { Ports } from "../ports.ts";

/** A command whose arguments were read, ready to run. */
export type RunCommand = (ports: Ports, io: CommandIo) => Promise<ExitCode>;

/** Takes what the arguments ask for. */
export type Choose = (run: RunCommand) => void;

/** Adds a group's commands to a parent; each, when it is the one that was given, is chosen. */
export type Define = (parent: Command, choose: Choose) => void;
