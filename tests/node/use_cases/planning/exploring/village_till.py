"""A made-up till of the made-up village: so many of each product for every household, and lines that no plan knows."""


def village_till(households: int = 6, **quantities: int) -> bytes:
    """A till file; a product's category is its name, and every household also bought a made-up newspaper."""
    lines = ["date,product,category,quantity,amount,household,phone"]
    for household in range(households):
        for product, quantity in {**quantities, "news": 1}.items():
            sold = f"{product}-1,{product},{quantity},{quantity}.00,household-{household},555-0100"
            lines.append(f"2017-03-01,{sold}")
        if len(quantities) > 1:
            lines.append(f"2017-03-02,milk-1,milk,1,1.00,household-{household},555-0100")
    return "\n".join([*lines, ""]).encode()
