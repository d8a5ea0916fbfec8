/** Names of the first thousand account holders: distinct, and the same at every start. */
const GIVEN_NAMES = [
  ...["Amara", "Benedikt", "Carolina", "Dimitri", "Eleonora", "Fredrik", "Giulia", "Hassan", "Ingrid", "Joaquin"],
  ...["Katarina", "Leopold", "Mariana", "Nikolai", "Ottilie", "Patricia", "Quentin", "Rosalind", "Stefano", "Theodora"],
  ...["Ulrike", "Valentin", "Wilhelmina", "Xavier", "Yasmine", "Zoltan", "Adriana", "Bertrand", "Cordelia", "Damian"],
  ...["Emilia", "Florian", "Gabriela", "Henrik", "Isidora", "Johanna", "Kenneth", "Ludmila", "Matthias", "Natalia"],
];
const FAMILY_NAMES = [
  ...["Okafor", "Lindqvist", "Moretti", "Haverkamp", "Petrenko", "Castellano", "Brandvold", "Nakamura", "Thornbury"],
  ...[
    "Delacroix",
    "Santangelo",
    "Wojcik",
    "Abernathy",
    "Kowalczyk",
    "Fitzwilliam",
    "Rasmussen",
    "Villanueva",
    "Chatterjee",
  ],
  ...["Oyelaran", "Hoffmeister", "Marchetti", "Sundqvist", "Papadakis", "Grunewald", "Ashworth"],
];

/** Holder of one of the customers 1 … 1000. */
export function holderOf(customer: number): string {
  const index = customer - 1;
  const given = GIVEN_NAMES[index % GIVEN_NAMES.length];
  const family = FAMILY_NAMES[Math.floor(index / GIVEN_NAMES.length) % FAMILY_NAMES.length];
  return `${given} ${family}`;
}
